package report

import (
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/registry"
)

// answer is one of the three questions that an audit is for.
type answer struct {
	Question string
	Label    label
	Text     string
}

// answers says in words what was found: does anybody else get in, is what is needed there, and nothing more?
func answers(r audit.Report) []answer {
	return []answer{strangers(r), needs(r), excess(r)}
}

func strangers(r audit.Report) answer {
	const question = "Is everybody else kept out?"
	found := open(r, audit.RuleNoExternalID, audit.RuleWrongExternalID, audit.RuleForeignPrincipal, audit.RuleRootKeys)
	switch {
	case r.Verification.Status == registry.Unsafe && r.Method == registry.AccessKeys, len(open(r, audit.RuleRootKeys)) > 0:
		return answer{question, label{"No", toneBad}, "The keys are the root user’s, whom no policy limits."}
	case len(found) > 0 || r.Verification.Status == registry.Unsafe:
		return answer{question, label{"No", toneBad}, "Others can assume the role, or the trust policy lets them in."}
	case r.Verification.Status == registry.Unusable, len(open(r, audit.RuleTrustUnknown)) > 0:
		return answer{question, label{"Unknown", toneUnknown}, "Not every check came to an answer that proves it."}
	case r.Method == registry.AccessKeys:
		return answer{question, label{"Yes", toneGood}, "The keys are a user’s own. Whoever else has them can’t be seen from here."}
	case !r.Coverage.Trust:
		return answer{question, label{"Yes", toneGood}, "Every attempt to get in without this site’s external id was refused. The trust policy itself could not be read."}
	}
	return answer{question, label{"Yes", toneGood}, "Every attempt to get in without this site’s external id was refused, and the trust policy names nobody else."}
}

func needs(r audit.Report) answer {
	const question = "Can connections do what they need?"
	var denied, unknown int
	for _, p := range r.Permissions {
		switch {
		case p.Verdict.Denied():
			denied++
		case p.Verdict == verdict.Unknown:
			unknown++
		}
	}
	all := len(r.Permissions)
	unknown = max(unknown, len(open(r, audit.RuleRequiredUnknown)))
	switch {
	case r.Verification.Status == registry.Unusable:
		return answer{question, label{"No", toneBad}, "The provider can’t be used at all, so nothing was tried."}
	case denied > 0:
		return answer{question, label{"No", toneBad}, count(denied, "needed permission is", "needed permissions are") + " missing, of " + count(all, "permission.", "permissions.")}
	case unknown > 0:
		return answer{question, label{"Unknown", toneUnknown}, count(unknown, "needed permission", "needed permissions") + " could not be told, of " + count(all, "permission.", "permissions.")}
	case len(r.Connections) == 0:
		return answer{question, label{"Nothing needed", toneNeutral}, "No connection uses this provider."}
	case all == 0:
		return answer{question, label{"Unknown", toneUnknown}, "Nothing was tried."}
	}
	return answer{question, label{"Yes", toneGood}, "All of " + count(all, "needed permission is there.", "needed permissions are there.")}
}

func excess(r audit.Report) answer {
	const question = "Is nothing more granted?"
	found := open(r, audit.RuleAdmin, audit.RuleEscalation, audit.RuleWriteExcess, audit.RuleReadExcess, audit.RuleTooWide,
		audit.RuleUnscopedKeys, audit.RuleRootKeys)
	switch {
	case len(found) > 0:
		return answer{question, label{"No", toneBad}, count(len(found), "finding says", "findings say") + " what is granted beyond the connections’ needs."}
	case r.Coverage.Policies != audit.PoliciesRead, len(open(r, audit.RuleExcessUnknown)) > 0:
		return answer{question, label{"Unknown", toneUnknown}, "Not all policies could be read. What is not read is not clean."}
	}
	return answer{question, label{"Yes", toneGood}, "The identity’s own policies grant what the connections need, and nothing else."}
}

// open returns the findings by these rules, or by any if none is named, that stand.
func open(r audit.Report, rules ...audit.Rule) []audit.Finding {
	var out []audit.Finding
	for _, f := range r.Findings {
		if f.State == audit.Resolved {
			continue
		}
		wanted := len(rules) == 0
		for _, rule := range rules {
			wanted = wanted || f.Rule == rule
		}
		if wanted {
			out = append(out, f)
		}
	}
	return out
}

// headline is the report in one line, by what is worst.
func headline(r audit.Report) (label, string) {
	counts := map[audit.Severity]int{}
	for _, f := range open(r) {
		if f.Suppression == nil || f.Severity == audit.Critical {
			counts[f.Severity]++
		}
	}
	serious := count(counts[audit.Critical]+counts[audit.High], "finding needs", "findings need") + " attention now."
	switch {
	case r.Verification.Status == registry.Unsafe:
		return label{"Unsafe", toneCritical}, "Arngate refuses to use this provider: " + reasonText(r)
	case r.Verification.Status == registry.Unusable:
		return label{"Unusable", toneHigh}, "Requests through this provider fail: " + reasonText(r)
	case counts[audit.Critical] > 0:
		return label{"Critical", toneCritical}, serious
	case counts[audit.High] > 0:
		return label{"Needs attention", toneHigh}, serious
	case counts[audit.Medium] > 0:
		return label{"Could be better", toneMedium}, count(counts[audit.Medium], "finding", "findings") + " to put right when there is time."
	}
	return remaining(r)
}

// remaining is the headline where no finding asks for attention: that may be because it is accepted, or because not all was seen.
func remaining(r audit.Report) (label, string) {
	seen := map[tone]bool{}
	for _, a := range answers(r) {
		seen[a.Label.Tone] = true
	}
	switch {
	case seen[toneBad] && len(open(r)) == 0:
		return label{"Needs attention", toneHigh}, "Not everything that is needed is granted."
	case seen[toneBad]:
		return label{"As accepted", toneNeutral}, "What is not in order is known, and accepted for a time."
	case seen[toneUnknown] || r.Coverage.Unproven > 0:
		return label{"Not all seen", toneUnknown}, "No fault was found in what could be looked at. Not everything could be."
	}
	return label{"In order", toneGood}, "What is needed is granted, nothing more, and nobody else gets in."
}

// reasonText is what the check saw that decided.
func reasonText(r audit.Report) string {
	for _, c := range r.Verification.Checks {
		if c.Name == r.Verification.Reason && c.Evidence != "" {
			return visible(c.Evidence)
		}
	}
	return "verify did not pass."
}
