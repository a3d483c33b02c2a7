/** The method that a client serves; `DeliveryService` in `proto/` has it, with code that needs a gRPC library. */
export const deliverPath = "/chatd.v1.DeliveryService/Deliver";

/** Metadata by which the server shows the secret of the session, in base64. */
export const secretKey = "chatd-secret-bin";

/** The name in the certificate of every listener. */
export const listenerName = "chatd-callback";
