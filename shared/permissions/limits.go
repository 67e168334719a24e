package permissions

import (
	"slices"
	"strings"
)

// Every, as the only entry of a list, stands for every resource of its kind.
const Every = "*"

// Limits says what a connection may do. Only the list of its own connector is set; [Every] alone in it is everything, empty it
// is nothing.
type Limits struct {
	Connector Connector
	Region    string
	ReadOnly  bool
	Tables    []string
	Buckets   []Bucket
	Functions []string
	KMSKeys   []string // ARNs of the keys its tables or buckets are encrypted with; none is the same as Every
}

// Bucket is one bucket a connection may use, or a part of it. A bucket may be there several times, with different prefixes.
type Bucket struct {
	Name   string `json:"name"`             // or [Every]
	Prefix string `json:"prefix,omitempty"` // a folder, with or without its last slash: only keys below it; "" is every key
	Owner  string `json:"owner,omitempty"`  // account id; "" is the provider's account
}

// folder returns the prefix as keys must begin: ending in a slash, so that `reports` doesn't let `reports-secret/` in (traps.md 43).
func (b Bucket) folder() string {
	if b.Prefix == "" || strings.HasSuffix(b.Prefix, "/") {
		return b.Prefix
	}
	return b.Prefix + "/"
}

// AllowsTable reports whether the connection may use the table of that name. ARNs are no names (traps.md 21), whatever the limits.
func (l Limits) AllowsTable(name string) bool {
	return l.Connector == DynamoDB && IsTableName(name) && named(l.Tables, name)
}

// AllowsFunction reports whether the connection may use the function of that name. Names with a qualifier and ARNs are no names.
func (l Limits) AllowsFunction(name string) bool {
	return l.Connector == Lambda && IsFunctionName(name) && named(l.Functions, name)
}

// AllowsBucket reports whether the connection may use some part of the bucket of that name. ARNs and access point aliases are no
// names.
func (l Limits) AllowsBucket(name string) bool {
	return l.anyBucket(name, func(Bucket) bool { return true })
}

// AllowsObject reports whether the connection may use the object: bucket and key inside the limits. The key "" is no key.
func (l Limits) AllowsObject(bucket, key string) bool {
	return key != "" && l.AllowsListing(bucket, key)
}

// AllowsListing reports whether the connection may list the keys of the bucket that begin with prefix: all of them inside the
// limits.
func (l Limits) AllowsListing(bucket, prefix string) bool {
	return l.anyBucket(bucket, func(b Bucket) bool { return strings.HasPrefix(prefix, b.folder()) })
}

// Owner returns the account id that the limits give as the bucket's owner, "" if they give none: it is the provider's account.
func (l Limits) Owner(bucket string) string {
	owner := ""
	l.anyBucket(bucket, func(b Bucket) bool {
		owner = b.Owner
		return true
	})
	return owner
}

func (l Limits) anyBucket(name string, ok func(Bucket) bool) bool {
	return l.Connector == S3 && IsBucketName(name) && slices.ContainsFunc(l.Buckets, func(b Bucket) bool {
		return (b.Name == Every || b.Name == name) && ok(b)
	})
}

func named(list []string, name string) bool {
	return slices.Contains(list, name) || slices.Contains(list, Every)
}
