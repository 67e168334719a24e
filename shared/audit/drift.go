package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/policy"
)

// Effective are digests of everything that grants or bounds, to see changes by.
type Effective struct {
	Text    string `json:"text" doc:"Of the texts, word for word"`
	Meaning string `json:"meaning" doc:"Of what they mean: letter case of actions, order, statement ids and the policy they stand in don't count"`
}

// Change is how policies differ from those of the audit before.
type Change string

// The changes.
const (
	ChangeFirst     Change = "first"     // there was no audit before
	ChangeNone      Change = "none"      // not a character
	ChangeCosmetic  Change = "cosmetic"  // the text, not the meaning
	ChangeEffective Change = "effective" // the meaning
	ChangeUnknown   Change = "unknown"   // they could not be read now, or could not then
)

// effective digests an identity; nil unless all of it was read.
func effective(id *identity.Identity) *Effective {
	if id == nil || !id.Complete() {
		return nil
	}
	var texts, meanings []string
	note := func(role, name, text string, d *policy.Document) {
		texts = append(texts, role+"\n"+name+"\n"+text)
		for _, s := range d.Statements() {
			meanings = append(meanings, canonical(role, d.Version(), s)...)
		}
	}
	for _, p := range id.Policies {
		note("identity", p.Name+" "+p.ARN+" "+p.Group, p.Text, p.Document)
	}
	if id.Boundary != nil {
		note("boundary", id.Boundary.ARN, id.Boundary.Text, id.Boundary.Document)
	}
	if id.Trust != nil {
		note("trust", "", id.TrustText, id.Trust)
	}
	return &Effective{Text: digest(texts), Meaning: digest(meanings)}
}

// unit is one action on one resource of a statement.
type unit struct {
	Role         string             `json:"role"`
	Version      string             `json:"version"`
	Effect       policy.Effect      `json:"effect"`
	Action       string             `json:"action"`
	Resource     string             `json:"resource"`
	NotActions   []string           `json:"not_actions"`
	NotResources []string           `json:"not_resources"`
	Principal    *policy.Principals `json:"principal"`
	NotPrincipal *policy.Principals `json:"not_principal"`
	Conditions   []policy.Condition `json:"conditions"`
}

// canonical writes a statement as one text for each pair of an action and a resource, so that how they are grouped into
// statements doesn't count.
func canonical(role, version string, s policy.Statement) []string {
	base := unit{
		Role: role, Version: version, Effect: s.Effect, NotActions: lowered(s.NotActions), NotResources: sorted(s.NotResources),
		Principal: canonicalPrincipals(s.Principal), NotPrincipal: canonicalPrincipals(s.NotPrincipal),
		Conditions: canonicalConditions(s.Conditions),
	}
	actions, resources := lowered(s.Actions), sorted(s.Resources)
	if len(actions) == 0 {
		actions = []string{""}
	}
	if len(resources) == 0 {
		resources = []string{""}
	}
	var out []string
	for _, action := range actions {
		for _, resource := range resources {
			u := base
			u.Action, u.Resource = action, resource
			text, _ := json.Marshal(u) //nolint:musttag // strings of package policy; they can always be written
			out = append(out, string(text))
		}
	}
	return out
}

func canonicalPrincipals(p *policy.Principals) *policy.Principals {
	if p == nil {
		return nil
	}
	return &policy.Principals{
		Any: p.Any, AWS: sorted(p.AWS), Service: sorted(p.Service), Federated: sorted(p.Federated), CanonicalUser: sorted(p.CanonicalUser),
	}
}

func canonicalConditions(conditions []policy.Condition) []policy.Condition {
	out := make([]policy.Condition, 0, len(conditions))
	for _, c := range conditions {
		out = append(out, policy.Condition{Operator: strings.ToLower(c.Operator), Key: strings.ToLower(c.Key), Values: sorted(c.Values)})
	}
	slices.SortFunc(out, func(a, b policy.Condition) int {
		return strings.Compare(a.Operator+"\n"+a.Key, b.Operator+"\n"+b.Key)
	})
	return out
}

func lowered(texts []string) []string {
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		out = append(out, strings.ToLower(t))
	}
	return sorted(out)
}

// sorted returns the texts in order, each once.
func sorted(texts []string) []string { return slices.Compact(slices.Sorted(slices.Values(texts))) }

func digest(texts []string) string {
	h := sha256.New()
	for _, t := range sorted(texts) {
		sum := sha256.Sum256([]byte(t))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// changed compares with the audit before; before is nil if there was none.
func changed(before *Report, now *Effective) Change {
	switch {
	case before == nil:
		return ChangeFirst
	case before.Effective == nil || now == nil:
		return ChangeUnknown
	case before.Effective.Text == now.Text:
		return ChangeNone
	case before.Effective.Meaning == now.Meaning:
		return ChangeCosmetic
	}
	return ChangeEffective
}
