// What was typed and is not at the server: kept in this tab, also while somebody has to sign in again.

/** A map of it that outlives the page; `save(key)` is called for what was typed here once nobody looks any more. */
export class Unsaved extends Map {
  #place;
  #here = new Set(); // typed since the page was opened

  constructor(place, save) {
    super();
    this.#place = `spotloom.unsaved.${place}`;
    for (const [key, typed] of JSON.parse(sessionStorage.getItem(this.#place) ?? "[]")) super.set(key, typed);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") for (const key of this.#here) save(key);
    });
  }

  set(key, typed) {
    super.set(key, typed);
    this.#here.add(key);
    this.#keep();
    return this;
  }

  delete(key) {
    this.#here.delete(key);
    const had = super.delete(key);
    this.#keep();
    return had;
  }

  #keep() {
    try {
      if (this.size) sessionStorage.setItem(this.#place, JSON.stringify([...this]));
      else sessionStorage.removeItem(this.#place);
    } catch {
      // The browser keeps nothing here: it is as if this were a map alone.
    }
  }
}
