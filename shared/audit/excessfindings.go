package audit

import (
	"fmt"
	"strings"

	"github.com/arngate/arngate/shared/audit/grants"
	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/policy"
)

// excess judges what is granted beyond the needs.
func (j *judge) excess() {
	if !j.run.gotIn() {
		return
	}
	if j.identity == nil || !j.identity.Complete() {
		f := Finding{
			Rule: RuleExcessUnknown, Action: "*", Resource: "*", Verdict: verdict.Unknown,
			Evidence:    Evidence{Summary: "Not all policies could be read, so it can't be said that nothing more is granted than is needed."},
			Coverage:    []Observation{{Source: SourcePolicies, Verdict: verdict.Unknown, Detail: gapText(j.coverage.Gaps)}},
			Remediation: j.fix.reads(),
		}
		j.add(f, "")
	}
	for _, e := range j.granted {
		where := inPolicy(j.identity.Policies[e.Ref.Policy], e.Ref.Statement)
		j.add(Finding{
			Rule: ruleOf(e.Kind), Action: e.Action, Resource: e.Resource, Verdict: verdict.Allowed,
			Evidence:    Evidence{Summary: excessText(e), Actions: e.Actions, Statement: where},
			Coverage:    []Observation{{Source: SourcePolicies, Verdict: verdict.Allowed, Statement: where}},
			Remediation: j.fix.excess(e.Ref.Policy),
		}, j.statementText(where))
	}
}

// input is what the policies are compared by.
func (s subject) input(id *identity.Identity) (grants.Input, error) {
	needs, err := s.needed()
	if err != nil {
		return grants.Input{}, err
	}
	own, err := policy.Parse([]byte(writeStatements(s.expected(id)...)))
	if err != nil {
		return grants.Input{}, fmt.Errorf("read what is expected: %w", err)
	}
	in := grants.Input{
		Policies: documents(id), Needs: append(needs, own), Account: s.account,
		Values: grants.Values{"aws:principalaccount": s.account, "aws:principalarn": s.arn},
	}
	for key, value := range id.Tags {
		in.Values["aws:principaltag/"+strings.ToLower(key)] = value
	}
	if id.Boundary != nil {
		in.Boundary = id.Boundary.Document
	}
	return in, nil
}

func ruleOf(k grants.Kind) Rule {
	switch k {
	case grants.Admin:
		return RuleAdmin
	case grants.Escalation:
		return RuleEscalation
	case grants.Write:
		return RuleWriteExcess
	case grants.Read:
		return RuleReadExcess
	case grants.Wide:
	}
	return RuleTooWide
}

func excessText(e grants.Excess) string {
	text := map[grants.Kind]string{
		grants.Admin:      "A statement allows every action on everything.",
		grants.Escalation: "A statement allows what leads to rights beyond the identity's own.",
		grants.Write:      "A statement allows changes that no connection needs.",
		grants.Read:       "A statement allows reads that no connection needs.",
		grants.Wide:       "A statement allows a needed action on more than the connections name.",
	}[e.Kind]
	if e.Others && len(e.Actions) > 0 {
		text += " Besides the actions by name, it covers those of services that are not audited."
	}
	if e.Conditional {
		text += " It has conditions, which may narrow that."
	}
	return text
}
