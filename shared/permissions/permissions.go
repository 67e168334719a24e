// Package permissions knows which AWS actions each connector needs and writes them as IAM policies: the session policy that
// every set of minted credentials carries, and the permission policy that the role kit hands out.
//
// The package is pure: no AWS package, no I/O.
package permissions

import "errors"

// Connector names one AWS service that a connection can speak to.
type Connector string

// The connectors.
const (
	DynamoDB Connector = "dynamodb"
	S3       Connector = "s3"
	Lambda   Connector = "lambda"
)

// ErrTooBroad reports limits whose session policy would be longer than STS takes: [MaxPolicyLength].
var ErrTooBroad = errors.New("policy too long: name fewer resources")

// MaxPolicyLength is how many characters an inline session policy may have (AWS STS API Reference, AssumeRole, Policy).
const MaxPolicyLength = 2048

// Fault is one thing wrong with limits: where, as a JSON pointer into the connection's body, and what. The message never
// repeats the value.
type Fault struct {
	Pointer string
	Message string
}

// Bucket is one bucket a connection may use.
type Bucket struct {
	Name   string `json:"name"`             // "*" is every bucket
	Prefix string `json:"prefix,omitempty"` // only keys at or below it, by whole segments; "" is every key
	Owner  string `json:"owner,omitempty"`  // account id, if it isn't the provider's
}

// Limits says what a connection may do.
type Limits struct {
	Connector Connector
	Region    string
	ReadOnly  bool
	Tables    []string
	Buckets   []Bucket
	Functions []string
	KMSKeys   []string
}
