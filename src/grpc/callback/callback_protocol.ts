import { DeliveryServiceDefinition } from "../../gen/chatd/v1/delivery_service.ts";
import { pathOf } from "../service_definition.ts";

/** The method that a client serves. */
export const deliverPath = pathOf(DeliveryServiceDefinition, "deliver");

/** Metadata with the secret of the session in base64, which proves that the server makes the call. */
export const secretKey = "chatd-secret-bin";

/** The name in the certificate of every listener. */
export const listenerName = "chatd-callback";
