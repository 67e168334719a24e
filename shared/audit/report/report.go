// Package report renders the report of an audit for people, as one HTML page, and for tools, as SARIF.
//
// Whatever a report holds is text to it: names, patterns and reasons come from customers, and nothing in them is ever markup,
// a link or a placeholder.
package report

import "github.com/arngate/arngate/shared/audit"

// Media types of what this package renders.
const (
	MediaHTML  = "text/html"
	MediaSARIF = "application/sarif+json"
)

// rule says in words what a rule is about.
type rule struct {
	title string // of a finding, in a few words
	risk  string // why it matters, in a sentence or two
}

// ruleOf returns the words for a rule. One that has none yet goes by its own name.
func ruleOf(id audit.Rule) rule {
	switch id {
	case audit.RuleNoExternalID:
		return rule{"Role can be assumed without an external id", "Whoever can use Arngate, or any other caller that the trust policy names, gets in without proving for which site."}
	case audit.RuleWrongExternalID:
		return rule{"Role can be assumed with another site’s external id", "Another site of Arngate could use this role as if it were its own."}
	case audit.RuleAdmin:
		return rule{"Every action on everything is allowed", "Whoever gets hold of this identity owns the account."}
	case audit.RuleEscalation:
		return rule{"Rights can be raised beyond its own", "Each of these actions is a known way from this identity to an administrator’s rights."}
	case audit.RuleRootKeys:
		return rule{"Access keys of the account’s root user", "Root keys can do everything, and no policy can limit them."}
	case audit.RuleMissing:
		return rule{"Needed action is not allowed", "A connection relies on it: its requests fail until it is granted."}
	case audit.RuleKeysRefused:
		return rule{"AWS refuses the access key", "Nothing works through this provider until it has a valid key."}
	case audit.RuleUnscopedKeys:
		return rule{"Access keys are used without a session policy", "Every request has all rights of the user, and CloudTrail does not say for whom it was made."}
	case audit.RuleWriteExcess:
		return rule{"Writes are allowed that nothing needs", "Data that no connection is for can be changed or deleted through this identity."}
	case audit.RuleForeignPrincipal:
		return rule{"Trust policy lets somebody else in", "Another principal than Arngate’s gateway role can assume the role."}
	case audit.RuleReadExcess:
		return rule{"Reads are allowed that nothing needs", "Data that no connection is for can be read through this identity."}
	case audit.RuleTooWide:
		return rule{"Needed action is allowed on too much", "Connections name resources; the policy allows the action on more than those."}
	case audit.RulePath:
		return rule{"Role has the wrong path", "Arngate’s own rights are bounded by the path, so roles elsewhere are out of its reach, or should be."}
	case audit.RuleOldKey:
		return rule{"Access key is older than 90 days", "The longer a key exists, the more places it may have leaked to."}
	case audit.RuleExcessUnknown:
		return rule{"What else is granted could not be read", "Without the policies nobody can say that there is no excess. This is not a clean result."}
	case audit.RuleRequiredUnknown:
		return rule{"Whether a needed action is allowed could not be told", "No source proved it either way."}
	case audit.RuleTrustUnknown:
		return rule{"Who can get in could not be told", "A check of the trust policy ended without an answer that proves anything."}
	case audit.RuleOtherSite:
		return rule{"Another site is let in by its id", "That is right where one company has several sites; otherwise it is a stranger."}
	case audit.RulePermissionsChange:
		return rule{"Permissions have changed", "What the policies grant is not what it was at the last audit."}
	}
	return rule{string(id), ""}
}
