package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/audit/probe"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/registry"
)

// example stands for any name where a connection is for every resource of its kind.
const example = "arngate-audit-example"

// requirement is one action that a connection needs on one resource.
type requirement struct {
	connection string
	action     string
	resource   string // as it is reported: an ARN, or the pattern of an ARN

	tested  string         // the ARN that the policies are evaluated for
	context policy.Context // condition keys of such a request
	owner   string         // account of a bucket that is not the provider's own; "" is the provider's

	target probe.Target
	every  bool // the connection is for every resource of the kind: a probe can only try a sample
	index  bool // only if the table has one
}

// key identifies what is required, whoever requires it.
func (r requirement) key() string { return r.action + " " + r.resource + " " + r.target.Region }

// requirements are what a connection needs, listings first.
func (s subject) requirements(c registry.Connection) []requirement {
	var out []requirement
	for _, action := range permissions.Actions(c.Limits.Connector, c.Limits.ReadOnly) {
		r := requirement{connection: c.Name, action: action, target: probe.Target{Action: action, Region: c.Limits.Region}}
		switch _, operation, _ := strings.Cut(action, ":"); {
		case isListing(operation):
			r.resource, r.tested = "*", "*"
			out = append(out, r)
		case c.Limits.Connector == permissions.DynamoDB:
			out = append(out, s.onTables(r, c.Limits, operation)...)
		case c.Limits.Connector == permissions.S3:
			out = append(out, s.onBuckets(r, c.Limits, operation)...)
		case c.Limits.Connector == permissions.Lambda:
			out = append(out, s.onFunctions(r, c.Limits)...)
		}
	}
	slices.SortStableFunc(out, func(a, b requirement) int { return a.order() - b.order() })
	return out
}

// isListing reports whether an operation knows no resource but `*`.
func isListing(operation string) bool {
	return operation == "ListTables" || operation == "ListAllMyBuckets" || operation == "ListFunctions"
}

// order puts first what tells something that others need: listings give samples, descriptions keys, and what may be read and
// listed decides what other answers prove.
func (r requirement) order() int {
	switch _, operation, _ := strings.Cut(r.action, ":"); {
	case isListing(operation):
		return 0
	case operation == "DescribeTable", operation == "ListBucket":
		return 1
	case operation == "GetObject":
		return 2
	}
	return 3
}

func (s subject) onTables(r requirement, l permissions.Limits, operation string) []requirement {
	base := fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/", s.partition, l.Region, s.account)
	var out []requirement
	for _, name := range l.Tables {
		one := r
		one.resource, one.tested, one.target.Table = base+name, base+name, name
		if name == permissions.Every {
			one.tested, one.every = base+example, true
		}
		out = append(out, one)
		if (operation == "Query" || operation == "Scan") && !one.every {
			one.resource, one.tested = base+name+"/index/*", base+name+"/index/"+probe.AnyIndex().Name
			one.target.Index, one.index = probe.AnyIndex(), true
			out = append(out, one)
		}
	}
	return out
}

func (s subject) onBuckets(r requirement, l permissions.Limits, operation string) []requirement {
	base := "arn:" + s.partition + ":s3:::"
	var out []requirement
	for _, b := range l.Buckets {
		one := r
		prefix := b.Prefix
		if prefix != "" && !strings.HasSuffix(prefix, "/") {
			prefix += "/"
		}
		name := b.Name
		if name == permissions.Every {
			name, one.every = example, true
		}
		one.target.Bucket, one.target.Prefix = b.Name, prefix
		one.target.Owner = s.account
		if b.Owner != "" {
			one.target.Owner = b.Owner
		}
		if b.Owner != s.account {
			one.owner = b.Owner
		}
		one.resource, one.tested = base+b.Name+"/"+prefix+"*", base+name+"/"+prefix+probe.Mark+"example"
		if operation == "ListBucket" {
			one.resource, one.tested = base+b.Name, base+name
			one.context = policy.Context{"s3:prefix": {prefix}, "s3:max-keys": {"1"}}
		}
		out = append(out, one)
	}
	return out
}

// onFunctions requires each function by its own name and by any qualifier: neither ARN covers the other (traps.md 48).
func (s subject) onFunctions(r requirement, l permissions.Limits) []requirement {
	base := fmt.Sprintf("arn:%s:lambda:%s:%s:function:", s.partition, l.Region, s.account)
	var out []requirement
	for _, name := range l.Functions {
		one := r
		one.resource, one.tested, one.target.Function = base+name, base+name, name
		if name == permissions.Every {
			one.tested, one.every = base+example, true
		}
		out = append(out, one)
		if !one.every {
			one.resource, one.tested, one.target.Qualifier = base+name+":*", base+name+":$LATEST", "$LATEST"
			out = append(out, one)
		}
	}
	return out
}
