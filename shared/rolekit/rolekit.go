// Package rolekit renders what an AWS administrator needs to create the role for a provider: the policies themselves, a shell
// script for the AWS CLI, a CloudFormation template or a Terraform configuration.
//
// Names come from people. What a kit is made of must follow AWS's own grammars, and is then encoded for each target, so that a
// name is never more than a name: not a command, a template expression or a policy pattern (traps.md 23b).
package rolekit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/arngate/arngate/shared/permissions"
)

// PolicyName is the name of the inline policy that a kit gives its role.
const PolicyName = "arngate"

// maxTrustPolicy is IAM's default quota for the length of a trust policy, in characters, whitespace aside.
// ("IAM and AWS STS quotas")
const maxTrustPolicy = 2048

// Why there is no kit for valid options, or no kit in one of the formats.
var (
	// ErrTooManySites reports a trust policy that would be longer than IAM takes.
	ErrTooManySites = errors.New("rolekit: too many sites for one trust policy")
	// ErrDynamicReference reports a name that CloudFormation would replace by a value of the account's, and can't be kept from it.
	ErrDynamicReference = errors.New("rolekit: a name looks like a dynamic reference of CloudFormation")
)

// Options say what a role is for. Account, Policies and Origins may be empty.
type Options struct {
	Partition      string // the deployment's, such as "aws"
	GatewayRoleARN string
	RolePath       string // with a slash at both ends
	RoleName       string
	Account        string               // the role's; "" if it isn't known yet: resources are then named in any account
	Sites          []string             // ids of the sites that may assume the role
	Limits         []permissions.Limits // of the provider's connections
	Audit          bool                 // let the role read its own policies
	Policies       []string             // ARNs of managed policies on the role that the audit reads too
	Origins        []string             // browsers' origins that buckets are to answer
}

// Kit is a role, ready to be written down. It is immutable.
type Kit struct {
	options     Options
	trust       string // JSON
	permissions string // JSON; empty: nothing is granted
	buckets     []bucket
}

// New makes the kit of options, which must be valid. It returns [ErrTooManySites], or an error wrapping
// [permissions.ErrTooBroad] where the role's policy would be longer than IAM takes.
func New(o Options) (*Kit, error) {
	if faults := o.Validate(); len(faults) > 0 {
		return nil, fmt.Errorf("make role kit: invalid %s", faults[0].Pointer)
	}
	k := &Kit{options: o, trust: TrustPolicy(o.GatewayRoleARN, o.Sites), buckets: buckets(o)}
	if length(k.trust) > maxTrustPolicy {
		return nil, ErrTooManySites
	}
	var err error
	if k.permissions, err = permissionPolicy(o); err != nil {
		return nil, fmt.Errorf("make role kit: %w", err)
	}
	return k, nil
}

// TrustPolicy is the role's trust policy, JSON in ASCII.
func (k *Kit) TrustPolicy() string { return k.trust }

// PermissionPolicy is the role's inline policy, JSON in ASCII; empty if nothing is granted.
func (k *Kit) PermissionPolicy() string { return k.permissions }

// JSON is the kit for programs, an object with the policies as they are.
func (k *Kit) JSON() string {
	return pretty(struct {
		RoleName   string          `json:"role_name"`
		RolePath   string          `json:"role_path"`
		Trust      json.RawMessage `json:"trust_policy"`
		PolicyName string          `json:"policy_name"`
		Permission json.RawMessage `json:"permission_policy,omitempty"`
		Buckets    []bucket        `json:"buckets,omitempty"`
	}{
		k.options.RoleName, k.options.RolePath, json.RawMessage(k.trust), PolicyName, json.RawMessage(k.permissions), k.buckets,
	})
}

// roleARN is the ARN the role will have; without a known account, a pattern for any.
func (o Options) roleARN() string {
	account := o.Account
	if account == "" {
		account = permissions.Every
	}
	return "arn:" + o.Partition + ":iam::" + account + ":role" + o.RolePath + o.RoleName
}

// hasCORS reports whether there are rules for browsers.
func (k *Kit) hasCORS() bool {
	return slices.ContainsFunc(k.buckets, func(b bucket) bool { return b.CORS != nil })
}
