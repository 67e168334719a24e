package policy_test

import (
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/policy"
)

// These hold the code at its edges, where mutants of it had passed.

func TestNestingIsBoundedOnItsDot(t *testing.T) {
	for levels, tooDeep := range map[int]bool{16: false, 17: true} {
		for _, text := range []string{
			strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels),
			strings.Repeat("[", levels) + "1" + strings.Repeat("]", levels),
			strings.Repeat(`[{"a":`, levels/2) + strings.Repeat("[", levels%2) + "1" + strings.Repeat("]", levels%2) + strings.Repeat("}]", levels/2),
		} {
			_, err := policy.Parse([]byte(text))
			if err == nil || strings.Contains(err.Error(), "nested too deep") != tooDeep {
				t.Errorf("%d levels of %.6s: %v", levels, text, err)
			}
		}
	}
}

func TestVariablesOfOneLetterAreVariables(t *testing.T) {
	if allows(t, policy.Version2012, "*", "arn:aws:s3:::x${a}", policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::xa"}) {
		t.Error("an unknown variable is its name")
	}
	for variable, want := range map[string]string{"${}": "without a name", "${,'x'}": "without a name", "${": "without its closing"} {
		_, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"` + variable + `"}}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want that it is %s", variable, err, want)
		}
	}
}

func TestActionsFoldTheFirstAndTheLastLetter(t *testing.T) {
	for pattern, action := range map[string]string{"az:az": "AZ:AZ", "AZ:AZ*": "az:azure", "a?:A?": "AZ:az"} {
		if !allows(t, policy.Version2012, pattern, "*", policy.Request{Action: action, Resource: object}) {
			t.Errorf("%s does not match %s", pattern, action)
		}
	}
	for pattern, action := range map[string]string{"s3:[": "s3:{", "s3:@": "s3:`"} { // beside the letters in ASCII
		if allows(t, policy.Version2012, pattern, "*", policy.Request{Action: action, Resource: object}) {
			t.Errorf("%s matches %s", pattern, action)
		}
	}
}

func TestTimesBefore1970HaveFractions(t *testing.T) {
	for operand, value := range map[string]string{"-1.5": "1969-12-31T23:59:58.5Z", "-0.25": "1969-12-31T23:59:59.75Z", "-60": "1969-12-31T23:59:00Z"} {
		if !holds(t, `{"DateEquals":{"k":"`+operand+`"}}`, policy.Context{"k": {value}}) {
			t.Errorf("%s is not %s", operand, value)
		}
	}
}

// A statement about others doesn't end the search.
func TestStatementsBehindOthersCount(t *testing.T) {
	others := `{"Effect":"Allow","Principal":` + awsPrincipal(bob) + `,"Action":"*","Resource":"*"}`
	request := policy.Request{Principal: alice, Action: "s3:GetObject", Resource: object}
	mine := `{"Effect":"Allow","Principal":` + awsPrincipal(alice) + `,"Action":"*","Resource":"*"}`
	if got := policy.Evaluate(request, policy.Policies{Resource: statements(t, others, mine)}); got.Verdict != policy.Allowed {
		t.Errorf("got %v, want that the second statement allows", got.Verdict)
	}
	deny := `{"Effect":"Deny","Principal":` + awsPrincipal(alice) + `,"Action":"*","Resource":"*"}`
	if got := policy.Evaluate(request, policy.Policies{Resource: statements(t, mine, others, deny)}); got.Verdict != policy.ExplicitlyDenied {
		t.Errorf("got %v, want that the last statement denies", got.Verdict)
	}
}

func TestNotPrincipalOfAnotherRoleIsAboutThisOne(t *testing.T) {
	deny := `{"Effect":"Deny","NotPrincipal":` + awsPrincipal("arn:aws:iam::123456789012:role/app/OtherRole") + `,"Action":"*","Resource":"*"}`
	got := policy.Evaluate(policy.Request{Principal: appRole, Action: "s3:GetObject", Resource: object}, policy.Policies{
		Resource: statements(t, `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`, deny),
	})
	if got.Verdict != policy.ExplicitlyDenied {
		t.Errorf("got %v", got.Verdict)
	}
}

// An ARN pattern is compared part by part: one that isn't of six is only ever the lone *.
func TestPatternsOfOnePartMatchNoARN(t *testing.T) {
	for pattern, want := range map[string]bool{"*": true, "${aws:username}": false, "*${aws:username}": false, "?": false, "arn:${aws:username}": false, "**": true} {
		context := policy.Context{"aws:username": {"x"}, "aws:SourceArn": {"arn:aws:s3:::x"}}
		if got := holds(t, `{"ArnLike":{"aws:SourceArn":"`+pattern+`"}}`, context); got != want {
			t.Errorf("%s: got %t, want %t", pattern, got, want)
		}
	}
	for _, value := range []string{"a:b:c:d:e:f", "arn:aws", "arn", "*"} {
		if holds(t, `{"ArnLike":{"aws:SourceArn":"*"}}`, policy.Context{"aws:SourceArn": {value}}) {
			t.Errorf("%q is taken for an ARN", value)
		}
	}
}
