// Gives the browser a file to keep.

/** Fetch it from there; where that is refused the page stays. */
export function fetchFile(href, name = "") {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
}

/** Let the browser keep this as a file. */
export function save(blob, name) {
  const href = URL.createObjectURL(blob);
  fetchFile(href, name);
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
