/** Orders to read the certificates again. An order that comes before the server can obey is kept for it. */
export class RenewalOrders {
  #obey: (() => void) | undefined;
  #isWaiting = false;

  give(): void {
    if (this.#obey === undefined) this.#isWaiting = true;
    else this.#obey();
  }

  /** Has orders obeyed until the result is disposed of, and a kept order at once. */
  take(obey: () => void): Disposable {
    this.#obey = obey;
    if (this.#isWaiting) obey();
    this.#isWaiting = false;
    return { [Symbol.dispose]: () => this.#obey = undefined };
  }
}
