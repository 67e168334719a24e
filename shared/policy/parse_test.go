package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/policy"
)

// faults returns the pointers that an error of Parse names, in order.
func faults(err error) []string {
	var out []string
	for line := range strings.Lines(strings.TrimPrefix(err.Error(), "parse policy: ")) {
		pointer, _, _ := strings.Cut(line, ": ")
		out = append(out, pointer)
	}
	return out
}

func TestParseReportsEveryFault(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"no object", `[]`, []string{"/"}},
		{"no statement", `{"Version":"2012-10-17"}`, []string{"/"}},
		{"unknown version", `{"Version":"2012-10-18","Statement":[]}`, []string{"/Version"}},
		{"version of a wrong type", `{"Version":2012,"Statement":[]}`, []string{"/Version"}},
		{"unknown element", `{"Statement":[],"statement":[]}`, []string{"/statement"}},
		{"element twice", `{"Statement":[],"Statement":[]}`, []string{"/Statement"}},
		{"id of a wrong type", `{"Id":{},"Statement":[]}`, []string{"/Id"}},
		{"statement of a wrong type", `{"Statement":["x",7]}`, []string{"/Statement/0", "/Statement/1"}},
		{"statement null", `{"Statement":null}`, []string{"/Statement"}},
		{"empty statement", `{"Statement":{}}`, []string{"/Statement", "/Statement", "/Statement"}},
		{"unknown effect", `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`, []string{"/Statement/Effect"}},
		{"effect of a wrong type", `{"Statement":{"Effect":["Allow"],"Action":"*","Resource":"*"}}`, []string{"/Statement/Effect"}},
		{"no action", `{"Statement":{"Effect":"Allow","Resource":"*"}}`, []string{"/Statement"}},
		{"no resource", `{"Statement":{"Effect":"Allow","Action":"*"}}`, []string{"/Statement"}},
		{"both actions", `{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}`, []string{"/Statement"}},
		{"both resources", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}}`, []string{"/Statement"}},
		{
			"both principals", `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Principal":"*","NotPrincipal":"*"}}`,
			[]string{"/Statement"},
		},
		{"action of a wrong type", `{"Statement":{"Effect":"Allow","Action":7,"Resource":"*"}}`, []string{"/Statement/Action"}},
		{"actions nested", `{"Statement":{"Effect":"Allow","Action":[["*"]],"Resource":"*"}}`, []string{"/Statement/Action/0"}},
		{"resource an object", `{"Statement":{"Effect":"Allow","Action":"*","Resource":{}}}`, []string{"/Statement/Resource"}},
		{"empty NotAction", `{"Statement":{"Effect":"Allow","NotAction":[],"Resource":"*"}}`, []string{"/Statement/NotAction"}},
		{"empty NotResource", `{"Statement":{"Effect":"Allow","Action":"*","NotResource":[]}}`, []string{"/Statement/NotResource"}},
		{"unknown element of a statement", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Actions":"*"}}`, []string{"/Statement/Actions"}},
		{"element of a statement twice", `{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}`, []string{"/Statement/Effect"}},
		{
			"same Sid", `{"Statement":[
			{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}`,
			[]string{"/Statement/1/Sid"},
		},
		{"principal's name", `{"Statement":{"Effect":"Allow","Action":"*","Principal":"123456789012"}}`, []string{"/Statement/Principal"}},
		{"principal's type", `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Aws":"*"}}}`, []string{"/Statement/Principal/Aws"}},
		{"principal's value", `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"AWS":[7]}}}`, []string{"/Statement/Principal/AWS/0"}},
		{"principal twice", `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"AWS":"a","AWS":"*"}}}`, []string{"/Statement/Principal/AWS"}},
		{
			"operators", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
				"StringEqual":{"k":"v"},"NullIfExists":{"k":"true"},"ForSomeValues:StringEquals":{"k":"v"},"IfExists":{"k":"v"},
				"Numeric":{"k":"1"},"DateLike":{"k":"1"},"StringEqualsIfExistsIfExists":{"k":"v"},"":{"k":"v"},"BoolNotEquals":{"k":"v"},
				"ForAllValues:ForAnyValue:StringEquals":{"k":"v"},"NotStringEquals":{"k":"v"}}}}`,
			[]string{
				"/Statement/Condition/StringEqual", "/Statement/Condition/NullIfExists", "/Statement/Condition/ForSomeValues:StringEquals",
				"/Statement/Condition/IfExists", "/Statement/Condition/Numeric", "/Statement/Condition/DateLike",
				"/Statement/Condition/StringEqualsIfExistsIfExists", "/Statement/Condition/", "/Statement/Condition/BoolNotEquals",
				"/Statement/Condition/ForAllValues:ForAnyValue:StringEquals", "/Statement/Condition/NotStringEquals",
			},
		},
		{
			"condition twice", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
				"StringEquals":{"aws:username":"a","aws:username":"b","aws:UserName":"c"},"stringequals":{"k":"v"}}}}`,
			[]string{
				"/Statement/Condition/StringEquals/aws:username", "/Statement/Condition/StringEquals/aws:UserName",
				"/Statement/Condition/stringequals",
			},
		},
		{
			"condition of a wrong type", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":[]},
				{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":"true"}},
				{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a~/b":[null,{},[]]}}}]}`,
			[]string{
				"/Statement/0/Condition", "/Statement/1/Condition/Bool", "/Statement/2/Condition/Bool/a~0~1b/0",
				"/Statement/2/Condition/Bool/a~0~1b/1", "/Statement/2/Condition/Bool/a~0~1b/2",
			},
		},
		{
			"variables", `{"Version":"2012-10-17","Statement":[
				{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username"},
				{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${}"},
				{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"${a, b}"}}},
				{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"k":"${a, 'b}"}}},
				{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"k":"${a, 'b' c}"}}},
				{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIgnoreCase":{"k":"${ ,'b'}"}}}]}`,
			[]string{"/Statement/0", "/Statement/1", "/Statement/2", "/Statement/3", "/Statement/4", "/Statement/5"},
		},
		{
			"several", `{"Version":"1","Id":1,"Statement":{"Effect":"No","Action":[1],"Resource":null,"X":1}}`,
			[]string{"/Version", "/Id", "/Statement/Effect", "/Statement/Action/0", "/Statement/Resource", "/Statement/X"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := policy.Parse([]byte(c.text))
			if err == nil {
				t.Fatalf("got %+v, want faults", d)
			}
			got := faults(err)
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefusesWhatIsNotJSON(t *testing.T) {
	for _, text := range []string{
		"", "{", `{"Statement":[}`, `{"Statement":[]} x`, `{"Statement":[]}{}`, `{"Statement":[],}`, `{Statement:[]}`, "\xef\xbb\xbf{}",
		"{\"Id\":\"\xff\",\"Statement\":[]}", strings.Repeat("[", 100_000),
		`{"Statement":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`,
	} {
		if _, err := policy.Parse([]byte(text)); err == nil {
			t.Errorf("%.40q: got no error", text)
		}
	}
}

func TestParseNeverRepeatsValues(t *testing.T) {
	const secret = "s3cr3t"
	for _, text := range []string{
		`{"Version":"s3cr3t","Statement":[]}`,
		`{"Statement":{"Effect":"s3cr3t","Action":"*","Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Action":"*","Principal":"s3cr3t"}}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"${s3cr3t"}}`,
	} {
		if _, err := policy.Parse([]byte(text)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestParseTakesWhatAWSTakes(t *testing.T) {
	for _, text := range []string{
		`{"Statement":[]}`,
		`{"Version":"2008-10-17","Id":"","Statement":{"Sid":"","Effect":"Deny","NotAction":"iam:*","NotResource":["a","b"]}}`,
		`{"Statement":[{"Sid":"","Effect":"Allow","Action":[],"Resource":[]},{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"}]}`,
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}}`,
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{},"StringEquals":{"k":[]}}}}`,
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"foranyvalue:stringlikeifexists":{"k":1.5e3}}}}`,
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"${not a variable in 2008"}}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"${","Resource":"$ { } $a ${*}${?}${$}"}}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"k":"${"}}}}`,
		"\n\t{ \"Statement\" : [ ] }\r\n",
	} {
		if _, err := policy.Parse([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
