// Where the focus goes when the row that had it is taken away.

/** Call it before; what it answers, afterwards: the row that follows has the focus then, or one before, or the heading. */
export function nextTo(row) {
  const near = [row?.nextElementSibling, row?.previousElementSibling];
  return () =>
    requestAnimationFrame(() => {
      if (document.activeElement !== document.body) return;
      const left = near.find((each) => each?.isConnected)?.querySelector("a:not([tabindex='-1']), button, select");
      const heading = document.querySelector("main h1, main h2");
      if (!left && heading) heading.tabIndex = -1;
      (left ?? heading)?.focus();
    });
}
