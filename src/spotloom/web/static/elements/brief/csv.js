// The matrix as a table for other programs.
import { vocabulary } from "./draft.js";

const WHY = { single: "Excluded", condition: "Excluded by a rule of the brief", rule: "Left out" };

/** A cell that no spreadsheet takes for a formula. */
function cell(value) {
  const text = String(value ?? "");
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

export function csv(rows, { cost, promptOf }) {
  const head = [
    "combinationId",
    ...vocabulary.dimensions.map((dimension) => dimension.key),
    "made",
    "reason",
    "estimatedCost",
    "prompt",
  ];
  const lines = rows.map((row) => [
    row.id,
    ...vocabulary.dimensions.map((dimension) => row.values[dimension.key]),
    row.why ? "no" : "yes",
    row.why ? (row.why.text ?? WHY[row.why.kind]) : "",
    row.why ? "0.00" : cost.toFixed(2),
    promptOf(row),
  ]);
  return `\ufeff${[head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}
