/** Orders to read the certificates again. An order that comes before the server can carry it out is kept. */
export class RenewalOrders {
  #obey: (() => void) | undefined;
  #isWaiting = false;

  give(): void {
    if (this.#obey === undefined) this.#isWaiting = true;
    else this.#obey();
  }

  /** Carries out orders by calling `obey`, a kept order at once, until the result is disposed of. */
  take(obey: () => void): Disposable {
    this.#obey = obey;
    if (this.#isWaiting) obey();
    this.#isWaiting = false;
    return { [Symbol.dispose]: () => this.#obey = undefined };
  }
}
