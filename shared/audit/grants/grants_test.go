package grants

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/policy"
)

// matches evaluates a pattern as IAM does, by the evaluator that the local AWS stands on.
func matches(tb testing.TB, pattern, name string) bool {
	tb.Helper()
	d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + pattern + `"}}`))
	if err != nil {
		tb.Fatal(err)
	}
	return policy.Evaluate(policy.Request{
		Action: "s3:GetObject", Resource: name, Principal: "arn:aws:iam::111122223333:user/u",
	}, policy.Policies{Identity: []*policy.Document{d}}).Verdict == policy.Allowed
}

// patterns draws from few characters, so that patterns meet.
func patterns() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "/", "*", "?", "${*}", "${?}", "${$}"}), 0, 7), func(parts []string) string {
		return "x" + strings.Join(parts, "") // neither empty nor an ARN
	})
}

// expand is a string that the pattern matches.
func expand(t *rapid.T, pattern string) string {
	var b strings.Builder
	for pattern != "" {
		switch {
		case strings.HasPrefix(pattern, "${"):
			b.WriteByte(pattern[2])
			pattern = pattern[4:]
			continue
		case pattern[0] == '*':
			b.WriteString(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "/", "*", "?"}), 0, 3).Draw(t, "star"), ""))
		case pattern[0] == '?':
			b.WriteString(rapid.SampledFrom([]string{"a", "b", "/", "*", "$"}).Draw(t, "one"))
		default:
			b.WriteByte(pattern[0])
		}
		pattern = pattern[1:]
	}
	return b.String()
}

// What a pattern contains is matched by it, whatever the inner one stands for; trap 50's escaped wildcards among it.
func TestContainsIsNeverWronglyTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		outer, inner := patterns().Draw(rt, "outer"), patterns().Draw(rt, "inner")
		if rapid.Bool().Draw(rt, "widen") {
			outer = strings.Replace(inner, rapid.SampledFrom([]string{"a", "b", "/", "?"}).Draw(rt, "what"), "*", 1)
		}
		name := expand(rt, inner)
		if !matches(t, inner, name) {
			rt.Fatalf("%q is no example of %q", name, inner)
		}
		if newGlob(outer, true, nil).contains(newGlob(inner, true, nil)) && !matches(t, outer, name) {
			rt.Errorf("%q contains %q, but doesn't match %q", outer, inner, name)
		}
	})
}

func TestPatternsOverlapIfOneStringIsInBoth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := patterns().Draw(rt, "a"), patterns().Draw(rt, "b")
		name := expand(rt, a)
		overlap := newGlob(a, true, nil).overlaps(newGlob(b, true, nil))
		if matches(t, b, name) && !overlap {
			rt.Errorf("%q is in %q and %q, which don't overlap", name, a, b)
		}
		if overlap != newGlob(b, true, nil).overlaps(newGlob(a, true, nil)) {
			rt.Errorf("%q and %q overlap one way only", a, b)
		}
	})
}

func TestContains(t *testing.T) {
	values := Values{"aws:principaltag/team": "*"}
	for _, c := range []struct {
		outer, inner   string
		contains, meet bool
	}{
		{"*", "?*", true, true},
		{"?*", "*", false, true},
		{"a*b*", "a*", false, true},
		{"a*", "a*b*", true, true},
		{"a?c", "a${*}c", true, true},
		{"a${*}c", "a?c", false, true},
		{"a${*}", "a*", false, true},
		{"${*}", "${?}", false, false},
		{"t/Orders", "t/Orders/index/*", false, false},
		{"t/Orders*", "t/Orders/index/*", true, true},
		{"reports/*", "reports*", false, true},
		{"f/*", "f/${aws:PrincipalTag/team}/x", true, true},
		{"f/reports/*", "f/${aws:PrincipalTag/team}/x", false, false}, // trap 50: the tag's * is a star, not a wildcard
		{"f/${*}/x", "f/${aws:PrincipalTag/team}/x", true, true},
		{"f/reports/*", "f/${aws:username}/x", false, true},
		{"é?", "éà", true, true},
	} {
		outer, inner := newGlob(c.outer, true, values), newGlob(c.inner, true, values)
		if got := outer.contains(inner); got != c.contains {
			t.Errorf("%q contains %q: got %v", c.outer, c.inner, got)
		}
		if got := outer.overlaps(inner); got != c.meet {
			t.Errorf("%q overlaps %q: got %v", c.outer, c.inner, got)
		}
	}
}

// Long patterns full of wildcards are the ones that take exponential time where places are looked at twice.
func TestComparingPatternsTakesNoForever(t *testing.T) {
	long := newGlob(strings.Repeat("*a", 400), true, nil)
	other := newGlob(strings.Repeat("a*", 400)+"b", true, nil)
	if long.contains(other) || long.overlaps(other) {
		t.Error("patterns that end in different letters have nothing in common")
	}
}

func TestNamesAreInOrder(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range actions() {
		if seen[a.name] {
			t.Errorf("%s is there twice", a.name)
		}
		seen[a.name] = true
		if !audited(a.service) {
			t.Errorf("%s is of a service that isn't audited", a.name)
		}
		if escalates(a.name, true) && !a.write {
			t.Errorf("%s escalates and only reads", a.name)
		}
	}
	for _, name := range []string{"s3:GetObject", "dynamodb:PartiQLUpdate", "lambda:InvokeFunction", "iam:PassRole", "sts:AssumeRole"} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	if len(seen) < 450 {
		t.Errorf("got %d names", len(seen))
	}
}

func parse(tb testing.TB, text string) *policy.Document {
	tb.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// Of what is granted on a table's ARN, only what a table knows is reported; of a pattern that reaches further, also the rest.
func TestTrap48ResourcesTakeTheirOwnActions(t *testing.T) {
	const table = "arn:aws:dynamodb:us-east-1:111122223333:table/Orders"
	for resource, want := range map[string][]string{
		table:                                {"dynamodb:DescribeContributorInsights", "dynamodb:DescribeContinuousBackups"},
		table + "/index/*":                   {"dynamodb:DescribeContributorInsights"},
		table + "/stream/*":                  {"dynamodb:DescribeStream"},
		table + "*":                          {"dynamodb:DescribeContributorInsights", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeStream"},
		"arn:aws:s3:::acme":                  nil,
		"arn:aws:dynamodb:*:*:*":             {"dynamodb:DescribeContributorInsights", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeStream"},
		"arn:aws:dynamodb::1:global-table/*": nil,
	} {
		found := Find(Input{Policies: []*policy.Document{parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow",
			"Action":["dynamodb:DescribeContin*","dynamodb:DescribeContributor*","dynamodb:DescribeStream"],"Resource":"`+resource+`"}}`)}})
		var got []string
		for _, e := range found {
			got = append(got, e.Actions...)
		}
		seen := map[string]bool{}
		for _, name := range got {
			seen[name] = true
		}
		for _, name := range want {
			if !seen[name] {
				t.Errorf("%s: %s is missing of %v", resource, name, got)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: got %v, want %v", resource, got, want)
		}
	}
}

// Trap 49: a Deny takes away what it covers wholly, if nothing is asked of the request.
func TestTrap49OnlyUnconditionalDeniesSubtract(t *testing.T) {
	const allow = `{"Effect":"Allow","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::acme"}`
	for deny, want := range map[string]int{
		`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`:                                                              0,
		`{"Effect":"Deny","Action":"S3:deletebucket","Resource":"arn:aws:s3:::acme"}`:                                   0,
		`{"Effect":"Deny","NotAction":"s3:Get*","Resource":"*"}`:                                                        0,
		`{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::other"}`:                                          0,
		`{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::other"}`:                                             1,
		`{"Effect":"Deny","NotAction":"s3:Delete*","Resource":"*"}`:                                                     1,
		`{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::ac*"}`:                                            1,
		`{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`:         1,
		`{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}}`: 1,
	} {
		got := Find(Input{Policies: []*policy.Document{parse(t, `{"Version":"2012-10-17","Statement":[`+allow+`,`+deny+`]}`)}})
		if len(got) != want {
			t.Errorf("%s: got %v", deny, got)
		}
	}
}

func TestVersion2008HasNoVariables(t *testing.T) {
	for version, want := range map[string]Kind{"2008-10-17": Read, "2012-10-17": Wide} {
		got := Find(Input{
			Policies: []*policy.Document{parse(t, `{"Version":"`+version+`","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme/${aws:username}"}}`)},
			Needs:    []*policy.Document{parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme/reports"}}`)},
		})
		if len(got) != 1 || got[0].Kind != want {
			t.Errorf("%s: got %v, want %s", version, got, want)
		}
	}
}

func TestOthersAreNamedByTheirPattern(t *testing.T) {
	got := Find(Input{Policies: []*policy.Document{parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["ec2:Get*","s*:SendMessage","kms:Encrypt"],"Resource":"*"}}`)}})
	for i := range got {
		got[i].Ref = Ref{}
	}
	want := []Excess{
		{Kind: Read, Action: "ec2:Get*", Resource: "*", Others: true},
		{Kind: Write, Action: "s*:SendMessage", Resource: "*", Others: true},
		{Kind: Write, Action: "kms:Encrypt", Resource: "*", Others: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
