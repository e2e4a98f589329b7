"""The durable work: lanes, workflows, liveness; the only room that imports the engine."""
