-- Whether an uploaded service provider takes answers that it did not ask for: nothing where it does
-- not; else the RelayStates that may go with them, one a line.

ALTER TABLE uploads ADD COLUMN unsolicited TEXT;
