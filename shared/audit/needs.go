package audit

import (
	"fmt"
	"slices"

	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/registry"
)

// subject is the role or user that an audit is about.
type subject struct {
	method      registry.Method
	arn         string // of the role or user
	name        string
	account     string
	partition   string
	connections []registry.Connection
}

// isUser reports whether it is a user, whose keys are stored.
func (s subject) isUser() bool { return s.method == registry.AccessKeys }

// needed is what the connections need, a policy for each, as the role kit grants it.
func (s subject) needed() ([]*policy.Document, error) {
	var out []*policy.Document
	for _, c := range s.connections {
		text, err := permissions.PermissionPolicy([]permissions.Limits{c.Limits}, s.partition, s.account)
		if err != nil {
			return nil, fmt.Errorf("write what a connection needs: %w", err)
		}
		d, err := policy.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("read what a connection needs: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// grant is the one policy that gives the connections what they need; false if there is none, or it would be too long.
func (s subject) grant() (text, bool) {
	var limits []permissions.Limits
	for _, c := range s.connections {
		limits = append(limits, c.Limits)
	}
	if len(limits) == 0 {
		return text{}, false
	}
	written, err := permissions.PermissionPolicy(limits, s.partition, s.account)
	if err != nil {
		return text{}, false
	}
	t, err := readText(written)
	return t, err == nil
}

// expected is what a provider is granted for Arngate itself: the audit's reads of its own identity, and, for keys, the making
// of sessions. Policies that AWS itself publishes may be read by anyone.
func (s subject) expected(id *identity.Identity) []policy.Statement {
	var out []policy.Statement
	allow := func(actions, resources []string) {
		if len(resources) > 0 {
			out = append(out, policy.Statement{Effect: policy.Allow, Actions: actions, Resources: resources})
		}
	}
	if s.isUser() {
		allow([]string{"sts:GetFederationToken"}, []string{"*"})
	}
	for _, reads := range s.reads(id) {
		allow(reads.Actions, reads.Resources)
	}
	allow([]string{"iam:GetPolicy", "iam:GetPolicyVersion"}, []string{"arn:" + s.partition + ":iam::aws:policy/*"})
	return out
}

// reads are the reads of IAM that the audit makes, on exactly what it makes them.
func (s subject) reads(id *identity.Identity) []policy.Statement {
	own := []string{"iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"}
	if s.isUser() {
		own = []string{
			"iam:GetUser", "iam:GetUserPolicy", "iam:ListAccessKeys", "iam:ListAttachedUserPolicies", "iam:ListGroupsForUser", "iam:ListUserPolicies",
		}
	}
	out := []policy.Statement{{Effect: policy.Allow, Actions: own, Resources: []string{policy.Escape(s.arn)}}}
	if id == nil {
		return out
	}
	if len(id.Groups) > 0 {
		out = append(out, policy.Statement{
			Effect: policy.Allow, Actions: []string{"iam:GetGroupPolicy", "iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies"},
			Resources: slices.Clone(id.Groups),
		})
	}
	if managed := managedPolicies(id); len(managed) > 0 {
		out = append(out, policy.Statement{
			Effect: policy.Allow, Actions: []string{"iam:GetPolicy", "iam:GetPolicyVersion"}, Resources: managed,
		})
	}
	return out
}

// managedPolicies are the ARNs of the attached policies and the boundary, those that couldn't be read too.
func managedPolicies(id *identity.Identity) []string {
	var out []string
	for _, p := range id.Policies {
		if p.ARN != "" {
			out = append(out, p.ARN)
		}
	}
	if id.Boundary != nil {
		out = append(out, id.Boundary.ARN)
	}
	for _, g := range id.Gaps {
		if g.Action == "iam:GetPolicy" || g.Action == "iam:GetPolicyVersion" {
			out = append(out, g.Resource)
		}
	}
	return sorted(out)
}
