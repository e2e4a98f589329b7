// What the files of a brief are called.

/** A name of plain letters, digits and hyphens. */
export const slug = (text) =>
  text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
