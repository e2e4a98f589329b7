// What is said of a sum: the sum; and where nothing is charged "free", with the sum as a forecast beside it.
import { money } from "../../core/format.js";

export const FREE = "free";
/** A sum on a button, or in large letters. */
export const price = (sum, charges) => (charges ? money(sum) : FREE);
export const forecast = (sum) => `Forecast ${money(sum)}`;
