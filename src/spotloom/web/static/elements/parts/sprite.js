// The moments of a film, of which one sheet has 25 pictures, five in a row.
const SIDE = 5;
const CELLS = SIDE * SIDE;

/** The moment under the pointer, from the left edge of the box to its right: how far into the film, and its picture's place. */
export function moment(event, box) {
  const { left, width } = box.getBoundingClientRect();
  const share = Math.min(0.999, Math.max(0, (event.clientX - left) / width));
  const cell = Math.floor(share * CELLS);
  const along = (number) => `${(100 * number) / (SIDE - 1)}%`;
  return { share, end: (cell + 1) / CELLS, position: `${along(cell % SIDE)} ${along(Math.floor(cell / SIDE))}` };
}
