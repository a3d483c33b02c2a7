import assert from "node:assert/strict";
import { RenewalOrders } from "../../../src/host/supervisor/renewal_orders.ts";

Deno.test("an order during the start of a server is kept, once", () => {
  const orders = new RenewalOrders();
  let renewals = 0;
  orders.give();
  orders.give();
  {
    using _server = orders.take(() => renewals += 1);
    assert.equal(renewals, 1);
    orders.give();
    assert.equal(renewals, 2);
  }
  orders.give();
  using _next = orders.take(() => renewals += 1);
  assert.equal(renewals, 3);
});
