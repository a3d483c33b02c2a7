import { transportAccounts } from "./transport_accounts.ts";
import { transportDelivery } from "./transport_delivery.ts";
import { transportFiles } from "./transport_files.ts";
import { testsOf, type TransportFixture } from "./transport_harness.ts";
import { transportLimits } from "./transport_limits.ts";
import { transportPeople } from "./transport_people.ts";
import { transportPins } from "./transport_pins.ts";
import { transportRequests } from "./transport_requests.ts";
import { transportRooms } from "./transport_rooms.ts";
import { transportSearch } from "./transport_search.ts";

export type { TransportFixture, TransportServer } from "./transport_harness.ts";

/** What every transport keeps to. */
export function transportContract(name: string, fixture: TransportFixture): void {
  const test = testsOf(name, fixture);
  transportFiles(test);
  transportAccounts(test);
  transportRequests(test);
  transportDelivery(test);
  transportLimits(test);
  transportRooms(test);
  transportPins(test);
  transportPeople(test);
  transportSearch(test);
}
