// Reads the amounts of money that people type.

const AMOUNT = /^-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$/;

/** US dollars: of "$1,000.50" a number, of nothing null, and NaN of what is no amount, such as "1,5". */
export function dollars(typed) {
  const text = typed.replace("$", "").replaceAll(/\s/g, "");
  if (text === "") return null;
  return AMOUNT.test(text) ? Number(text.replaceAll(",", "")) : NaN;
}
