package credentials

// IDOf is the id of a request's entry in the shared tier, for tests.
func IDOf(r Request) string { return idOf(keyOf(r)) }
