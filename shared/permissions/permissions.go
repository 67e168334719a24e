// Package permissions knows which AWS actions each connector needs and writes them as IAM policies: the session policy that
// every set of minted credentials carries, and the permission policy that the role kit hands out.
//
// The package is pure: no AWS package, no I/O.
package permissions

import "slices"

// Connector names one AWS service that a connection can speak to.
type Connector string

// The connectors.
const (
	DynamoDB Connector = "dynamodb"
	S3       Connector = "s3"
	Lambda   Connector = "lambda"
)

// action is one action of a connector and what it is allowed on.
type action struct {
	name  string
	write bool
	on    target
}

// target is the kind of resource an action is authorized on. (Service Authorization Reference, a page per service)
type target uint8

const (
	account  target = iota // `*`: the action knows no narrower resource
	table                  // a table and its indexes
	bucket                 // a bucket
	object                 // the objects of a bucket
	function               // a function and its qualified versions and aliases
)

// actionsOf returns everything the product ever asks of a connector's service, sorted by name.
//
// Invoking is a write: nobody can tell what a function does. So a read-only Lambda connection can list functions and no more.
func actionsOf(c Connector) []action {
	switch c {
	case DynamoDB:
		return []action{
			{"dynamodb:DeleteItem", true, table},
			{"dynamodb:DescribeTable", false, table},
			{"dynamodb:ListTables", false, account},
			{"dynamodb:PutItem", true, table},
			{"dynamodb:Query", false, table},
			{"dynamodb:Scan", false, table},
			{"dynamodb:UpdateItem", true, table},
		}
	case S3:
		return []action{
			{"s3:DeleteObject", true, object},
			{"s3:GetObject", false, object},
			{"s3:GetObjectAcl", false, object},
			{"s3:ListAllMyBuckets", false, account},
			{"s3:ListBucket", false, bucket},
			{"s3:PutObject", true, object},
		}
	case Lambda:
		return []action{
			{"lambda:InvokeFunction", true, function},
			{"lambda:ListFunctions", false, account},
		}
	}
	return nil
}

// Connectors returns every connector, sorted.
func Connectors() []Connector { return []Connector{DynamoDB, Lambda, S3} }

// Actions returns the full names ("dynamodb:Query"), sorted, of the actions a connection of that connector uses: all of them, or
// those that change nothing. Invoking a function counts as changing something. It returns none for an unknown connector.
func Actions(c Connector, readOnly bool) []string {
	return names(c, func(a action) bool { return !readOnly || !a.write })
}

// IsWrite reports whether action, by its full name, changes something: a read-only connection is refused it.
func IsWrite(name string) bool {
	return slices.ContainsFunc(Connectors(), func(c Connector) bool {
		return slices.ContainsFunc(actionsOf(c), func(a action) bool { return a.name == name && a.write })
	})
}

func names(c Connector, keep func(action) bool) []string {
	var out []string
	for _, a := range actionsOf(c) {
		if keep(a) {
			out = append(out, a.name)
		}
	}
	return out
}
