/**
 * Finds a consumer of a device and notes its use, unless that was noted within `note_every` milliseconds; or adds it at
 * `start`. Returns its position; NULL, without an effect, if it would be new and the device has `max_consumers`.
 */
export const openConsumer = `
CREATE OR REPLACE FUNCTION open_consumer_1(
  public_device text, consumer_name text, start bigint, now bigint, note_every bigint, max_consumers bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE device_key bigint; found consumer;
BEGIN
  -- Others that open a consumer of the device wait here, so none is counted before it is added.
  SELECT id INTO device_key FROM device WHERE public_id = public_device FOR NO KEY UPDATE;
  SELECT * INTO found FROM consumer WHERE device = device_key AND name = consumer_name;
  IF found.position IS NOT NULL THEN
    UPDATE consumer SET used_at = now
      WHERE device = device_key AND name = consumer_name AND used_at < now - note_every;
    RETURN found.position;
  END IF;
  IF (SELECT count(*) FROM consumer WHERE device = device_key) >= max_consumers THEN RETURN NULL; END IF;
  INSERT INTO consumer (device, name, position, used_at) VALUES (device_key, consumer_name, start, now);
  RETURN start;
END $$;
`;
