/** Ids that are made once, so that whatever is sent twice happens once. */

/** A random UUID; `crypto.randomUUID` is missing where a page came by plain HTTP. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"; // none that is taken for another

/** The name of an execution: short enough for a URL that is read to somebody. */
export function newName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join("");
}

/** One id for as long as what it is for stays the same: another input gets another id. */
export class Once {
  #made: { of: string; id: string } | null = null;

  id(of: unknown): string {
    const text = JSON.stringify(of);
    if (this.#made?.of !== text) this.#made = { of: text, id: newId() };
    return this.#made.id;
  }

  /** It has happened: the next one is another one, even if it looks the same. */
  done(): void {
    this.#made = null;
  }
}
