"""Our own keyless video API, which draws animatics."""
