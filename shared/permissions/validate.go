package permissions

import (
	"fmt"
	"slices"
)

// Fault is one thing wrong with limits: where, as a JSON pointer into the connection's body, and what. The message never
// repeats the value.
type Fault struct {
	Pointer string
	Message string
}

// Validate returns everything wrong with the limits, none if they are good. Names must follow AWS's own grammars, so that none
// can be an ARN or a pattern (traps.md 21).
func (l Limits) Validate() []Fault {
	v := validation{}
	v.check(slices.Contains(Connectors(), l.Connector), "/connector", "must be dynamodb, s3 or lambda")
	v.check(isRegion(l.Region), "/region", "must be the name of an AWS region")
	v.list("tables", l.Tables, l.Connector == DynamoDB, IsTableName,
		"must be a table's name: 3 to 255 of a-z, A-Z, 0-9, _, . and -; not an ARN")
	v.buckets(l.Buckets, l.Connector == S3)
	v.list("functions", l.Functions, l.Connector == Lambda, IsFunctionName,
		"must be a function's name: 1 to 64 of a-z, A-Z, 0-9, _ and -; not an ARN, no qualifier")
	if len(l.KMSKeys) > 0 {
		v.list("kms_keys", l.KMSKeys, l.Connector != Lambda, isKeyARN, "must be the ARN of a KMS key (not of an alias)")
	}
	return v.faults
}

type validation struct{ faults []Fault }

func (v *validation) check(ok bool, pointer, message string) {
	if !ok {
		v.faults = append(v.faults, Fault{pointer, message})
	}
}

// list checks a list of names that belongs to the connector if own is true, and must be absent otherwise.
func (v *validation) list(name string, list []string, own bool, valid func(string) bool, message string) {
	if !v.own("/"+name, len(list), own) {
		return
	}
	v.everyAlone("/"+name, len(list), slices.Contains(list, Every))
	for i, s := range list {
		pointer := fmt.Sprintf("/%s/%d", name, i)
		v.check(s == Every || valid(s), pointer, message)
		v.check(!slices.Contains(list[:i], s), pointer, "is there twice")
	}
}

// own reports whether a list of n entries is there and belongs to the connector.
func (v *validation) own(pointer string, n int, own bool) bool {
	if own {
		v.check(n > 0, pointer, `must name at least one, or be every one of them: "*"`)
	} else {
		v.check(n == 0, pointer, "doesn't belong to this connector")
	}
	return own && n > 0
}

func (v *validation) everyAlone(pointer string, n int, every bool) {
	v.check(!every || n == 1, pointer, `must hold nothing else beside "*"`)
}

func (v *validation) buckets(list []Bucket, own bool) {
	if !v.own("/buckets", len(list), own) {
		return
	}
	v.everyAlone("/buckets", len(list), slices.ContainsFunc(list, func(b Bucket) bool { return b.Name == Every }))
	owners := make(map[string]string)
	for i, b := range list {
		pointer := fmt.Sprintf("/buckets/%d", i)
		v.bucket(pointer, b)
		v.check(!slices.ContainsFunc(list[:i], b.same), pointer, "is there twice")
		owner, again := owners[b.Name]
		v.check(!again || owner == b.Owner, pointer+"/owner", "must be the same wherever the bucket is named")
		owners[b.Name] = b.Owner
	}
}

func (b Bucket) same(other Bucket) bool { return b.Name == other.Name && b.folder() == other.folder() }

func (v *validation) bucket(pointer string, b Bucket) {
	v.check(b.Name == Every || IsBucketName(b.Name), pointer+"/name",
		"must be a bucket's name: 3 to 63 of a-z, 0-9, . and -; not an ARN, not an access point")
	v.check(isPrefix(b.Prefix), pointer+"/prefix", "must be at most 1,024 bytes of text without control characters")
	// In a policy, the `*` for the bucket would also match `bucket/any/folder`, letting in keys that aren't below the prefix.
	v.check(b.Name != Every || b.Prefix == "", pointer+"/prefix", "needs a bucket's name, it can't limit every bucket")
	v.check(b.Owner == "" || isAccount(b.Owner), pointer+"/owner", "must be an account id: 12 digits")
}
