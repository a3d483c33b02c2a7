import type { RoomStore } from "../../core/rooms/room_store.ts";
import type { Database } from "./connection/database.ts";

export class PostgresRoomStore {
  constructor(_database: Database, _options: { onDeleted: () => void }) {}
}

export interface PostgresRoomStore extends RoomStore {}
