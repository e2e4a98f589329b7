// Sets the light or dark theme before the first paint; a plain script, so that nothing flashes.
(() => {
  const chosen = localStorage.getItem("spotloom.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
