package permissions

// Actions x.
func Actions(c Connector, readOnly bool) []string { return nil }

// Validate x.
func (l Limits) Validate() []Fault { return nil }

// AllowsTable x.
func (l Limits) AllowsTable(name string) bool { return false }

// AllowsFunction x.
func (l Limits) AllowsFunction(name string) bool { return false }

// AllowsBucket x.
func (l Limits) AllowsBucket(name string) bool { return false }

// AllowsObject x.
func (l Limits) AllowsObject(bucket, key string) bool { return false }

// Owner x.
func (l Limits) Owner(bucket string) string { return "" }

// SessionPolicy x.
func SessionPolicy(l Limits, partition, account string) (string, error) { return "", nil }

// DenyAll x.
func DenyAll() string { return "" }

// PermissionPolicy x.
func PermissionPolicy(ls []Limits, partition, account string) (string, error) { return "", nil }
