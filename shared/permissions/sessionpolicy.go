package permissions

import (
	"errors"
	"fmt"
	"slices"

	"github.com/arngate/arngate/shared/policy"
)

// The lengths AWS sets, in characters.
const (
	// MaxPolicyLength is for an inline session policy. (AWS STS API Reference, AssumeRole, Policy)
	MaxPolicyLength = 2048
	// MaxRolePolicyLength is for the inline policies of a role together, whitespace aside. ("IAM and AWS STS quotas")
	MaxRolePolicyLength = 10240
)

// ErrTooBroad reports limits whose policy would be longer than AWS takes. Nothing is ever folded into wider patterns instead.
var ErrTooBroad = errors.New("policy too long: name fewer resources")

// SessionPolicy returns the session policy of a connection with limits l, which must be valid: its connector's actions on exactly
// its resources, and, for S3 and DynamoDB, the use of KMS keys through that service alone (traps.md 38). partition is the
// deployment's ("aws"); account is where tables and functions are, "" if it isn't known.
//
// The text is compact JSON in ASCII. It returns an error wrapping [ErrTooBroad] if it is longer than [MaxPolicyLength]. AWS may
// still refuse it when minting: it packs policy and tags together (traps.md 7).
func SessionPolicy(l Limits, partition, account string) (string, error) {
	w := newWriter(l, partition, account)
	statements, err := w.statements()
	if err != nil {
		return "", err
	}
	text, err := newDocument(merge(append(statements, w.keys()...))).text("")
	if err != nil {
		return "", err
	}
	if len(text) > MaxPolicyLength {
		return "", fmt.Errorf("write session policy: %w", ErrTooBroad)
	}
	return text, nil
}

// PermissionPolicy returns what the role of a provider needs for its connections: the union of their session policies, KMS keys
// only where they are named. It is indented, for people to read. It returns an error wrapping [ErrTooBroad] if it can't be a
// role's inline policy.
func PermissionPolicy(ls []Limits, partition, account string) (string, error) {
	var all []statement
	for _, l := range ls {
		w := newWriter(l, partition, account)
		statements, err := w.statements()
		if err != nil {
			return "", err
		}
		all = append(all, statements...)
		if len(l.KMSKeys) > 0 && !slices.Contains(l.KMSKeys, Every) {
			all = append(all, w.keys()...)
		}
	}
	d := newDocument(merge(all))
	compact, err := d.text("")
	if err != nil {
		return "", err
	}
	if len(compact) > MaxRolePolicyLength {
		return "", fmt.Errorf("write permission policy: %w", ErrTooBroad)
	}
	return d.text("  ")
}

// DenyAll returns the session policy under which nothing is allowed: what the negative tests of a trust policy carry, so that
// credentials a careless role hands out are useless.
func DenyAll() string {
	return `{"Version":"` + policy.Version2012 + `","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
}

// writer writes the statements of one connection.
type writer struct {
	limits    Limits
	partition string
	account   string
}

func newWriter(l Limits, partition, account string) writer {
	if account == "" {
		account = Every
	}
	return writer{l, partition, account}
}

func (w writer) statements() ([]statement, error) {
	list := w.allow(w.actions(account), Every)
	switch w.limits.Connector {
	case DynamoDB:
		return append(w.allow(w.actions(table), w.tables()...), list...), nil
	case S3:
		return append(w.allow(w.actions(object), w.objects()...), append(w.listings(), list...)...), nil
	case Lambda:
		return append(w.allow(w.actions(function), w.functions()...), list...), nil
	}
	return nil, errors.New("write policy: unknown connector")
}

// actions returns the connection's actions on one kind of target.
func (w writer) actions(on target) []string {
	return names(w.limits.Connector, func(a action) bool { return a.on == on && (!w.limits.ReadOnly || !a.write) })
}

// allow returns the statement that allows actions on resources, none if there is nothing to allow.
func (w writer) allow(actions []string, resources ...string) []statement {
	if len(actions) == 0 || len(resources) == 0 {
		return nil
	}
	return []statement{{Effect: policy.Allow, Action: actions, Resource: slices.Clone(resources)}}
}

// tables returns the ARNs of the tables and of their indexes, which a table's own doesn't cover (traps.md 48).
func (w writer) tables() []string {
	var out []string
	for _, name := range w.limits.Tables {
		arn := fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/", w.partition, w.limits.Region, w.account)
		if name == Every {
			return []string{arn + "*"}
		}
		out = append(out, arn+policy.Escape(name), arn+policy.Escape(name)+"/index/*")
	}
	return out
}

// functions returns the ARNs of the functions, unqualified and with any qualifier: neither covers the other (traps.md 48).
func (w writer) functions() []string {
	var out []string
	for _, name := range w.limits.Functions {
		arn := fmt.Sprintf("arn:%s:lambda:%s:%s:function:", w.partition, w.limits.Region, w.account)
		if name == Every {
			return []string{arn + "*"}
		}
		out = append(out, arn+policy.Escape(name), arn+policy.Escape(name)+":*")
	}
	return out
}

func (w writer) bucketARN(name string) string {
	if name != Every {
		name = policy.Escape(name)
	}
	return fmt.Sprintf("arn:%s:s3:::%s", w.partition, name)
}

func (w writer) objects() []string {
	var out []string
	for _, b := range w.limits.Buckets {
		out = append(out, w.bucketARN(b.Name)+"/"+policy.Escape(b.folder())+"*")
	}
	return out
}

// listings allows listing each bucket, below its prefixes.
func (w writer) listings() []statement {
	var out []statement
	for _, b := range w.limits.Buckets {
		for _, s := range w.allow(w.actions(bucket), w.bucketARN(b.Name)) {
			if b.Prefix != "" {
				s.Condition = stringLike("s3:prefix", policy.Escape(b.folder())+"*")
			}
			out = append(out, s)
		}
	}
	return out
}

// keys allows the use of the connection's KMS keys, through its service alone: any region's S3, where a bucket may be, but
// DynamoDB only of the connection's region. (KMS Developer Guide, "kms:ViaService")
func (w writer) keys() []statement {
	resources := w.limits.KMSKeys
	if len(resources) == 0 {
		resources = []string{Every}
	}
	actions := []string{"kms:Decrypt"}
	service := "dynamodb." + w.limits.Region + ".*"
	switch w.limits.Connector {
	case S3:
		service = "s3.*"
		if !w.limits.ReadOnly {
			actions = append(actions, "kms:GenerateDataKey")
		}
	case DynamoDB:
	case Lambda:
		return nil
	}
	out := w.allow(actions, resources...)
	for i := range out {
		out[i].Condition = stringLike("kms:ViaService", service)
	}
	return out
}
