package registry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/registry"
)

const rolePath = "/skuid-assumable-role/"

// The second segment of the split ARN is a path, not the role's name.
func TestTrap11RoleARNs(t *testing.T) {
	for arn, want := range map[string]registry.RoleARN{
		"arn:aws:iam::111122223333:role/skuid-assumable-role/demo": {
			Partition: "aws", Account: "111122223333", Path: "/skuid-assumable-role/", Name: "demo",
		},
		"arn:aws:iam::111122223333:role/a/skuid-assumable-role/b/de+mo=,.@-_": {
			Partition: "aws", Account: "111122223333", Path: "/a/skuid-assumable-role/b/", Name: "de+mo=,.@-_",
		},
	} {
		got, err := registry.ParseRoleARN(arn, "aws", rolePath)
		if err != nil {
			t.Errorf("%s: %v", arn, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if got.String() != arn {
			t.Errorf("got %s, want %s", got, arn)
		}
	}
	for arn, want := range map[string]error{
		"": registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role":                         registry.ErrPathMismatch,
		"arn:aws:iam::111122223333:role/demo":                                         registry.ErrPathMismatch,
		"arn:aws:iam::111122223333:role/x-skuid-assumable-role/demo":                  registry.ErrPathMismatch,
		"arn:aws:iam::111122223333:role/skuid-assumable-role-x/demo":                  registry.ErrPathMismatch,
		"arn:aws:iam::111122223333:role/Skuid-assumable-role/demo":                    registry.ErrPathMismatch,
		"arn:aws-cn:iam::111122223333:role/skuid-assumable-role/demo":                 registry.ErrPartition,
		"arn:aws:iam::111122223333:user/skuid-assumable-role/demo":                    registry.ErrNotRoleARN,
		"arn:aws:iam::11112222333:role/skuid-assumable-role/demo":                     registry.ErrNotRoleARN,
		"arn:aws:iam::*:role/skuid-assumable-role/demo":                               registry.ErrNotRoleARN,
		"arn:aws:iam:us-east-1:111122223333:role/skuid-assumable-role/demo":           registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/":                        registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/demo ":                   registry.ErrNotRoleARN,
		" arn:aws:iam::111122223333:role/skuid-assumable-role/demo":                   registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role//skuid-assumable-role/demo":                   registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/*":                       registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/*/skuid-assumable-role/demo":                  registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/${a}/skuid-assumable-role/demo":               registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/demo\nx":                 registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/" + longName:             registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/" + longPath + "x":       registry.ErrNotRoleARN,
		"arn:aws:sts::111122223333:assumed-role/demo/ada":                             registry.ErrSessionARN,
		"skuid-assumable-role/demo":                                                   registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/demo:role/other/x":       nil,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/d'$(id)${x}*":            registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/d\x00":                   registry.ErrNotRoleARN,
		"arn::iam::111122223333:role/skuid-assumable-role/demo":                       registry.ErrPartition,
		"arn:aws:iam::111122223333:instance-profile/skuid-assumable-role/demo":        registry.ErrNotRoleARN,
		"https://arn:aws:iam::111122223333:role/skuid-assumable-role/demo":            registry.ErrNotRoleARN,
		"arn:aws:iam::１１１１２２２２３３３３:role/skuid-assumable-role/demo":                    registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/демо":                    registry.ErrNotRoleARN,
		"arn:aws:iam::111122223333:role/skuid-assumable-role/sub/../../admin/../demo": nil,
	} {
		_, err := registry.ParseRoleARN(arn, "aws", rolePath)
		if !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", arn, err, want)
		}
		if err != nil && len(arn) > 8 && strings.Contains(err.Error(), arn) {
			t.Errorf("the error repeats %q", arn)
		}
	}
}

var (
	longName = strings.Repeat("n", 65)
	longPath = strings.Repeat("p", 512) + "/"
)

func FuzzParseRoleARN(f *testing.F) {
	f.Add("arn:aws:iam::111122223333:role/skuid-assumable-role/demo")
	f.Add("arn:aws:iam::111122223333:role/a/skuid-assumable-role/b/demo")
	f.Fuzz(func(t *testing.T, arn string) {
		role, err := registry.ParseRoleARN(arn, "aws", rolePath)
		if err != nil {
			return
		}
		if role.String() != arn || !strings.Contains(arn, rolePath) || strings.Contains(role.Name, "/") {
			t.Errorf("%q is taken apart into %+v", arn, role)
		}
	})
}

func TestNamesAndSites(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "Main-role_2": true, strings.Repeat("a", 63): true, strings.Repeat("a", 64): false,
		"AZaz-0_9": true, "Z": true, "z": true, "A": true, "": false, "2a": false, "-a": false, "_a": false, "a b": false, "a/b": false,
		"a\n": false, "ä": false, "a#": false, "a:": false, "@a": false, "[a": false, "`a": false, "{a": false, "a@": false, "a[": false,
		"a`": false, "a{": false, "a.": false, "a\x00": false,
	} {
		if got := registry.ValidName(name); got != want {
			t.Errorf("ValidName(%q): got %t, want %t", name, got, want)
		}
	}
	for site, want := range map[string]bool{
		siteA: true, strings.ToUpper(siteA): true, "": false, "x": false, siteA + "\n": false, strings.ReplaceAll(siteA, "-", ""): false,
	} {
		if got := registry.ValidSite(site); got != want {
			t.Errorf("ValidSite(%q): got %t, want %t", site, got, want)
		}
	}
}

func pointers(faults []permissions.Fault) []string {
	var got []string
	for _, fault := range faults {
		got = append(got, fault.Pointer)
	}
	return got
}

func TestProviderValidation(t *testing.T) {
	keys := registry.Provider{Name: "keys", Method: registry.AccessKeys, AccessKeyID: "AKIA" + "IOSFODNN7EXAMPLE"}
	for _, valid := range []registry.Provider{provider("main"), {Name: "later", Method: registry.AssumeRole}, keys} {
		if faults := valid.Validate("aws", rolePath); len(faults) > 0 {
			t.Errorf("%s: got %v, want none", valid.Name, faults)
		}
	}
	for _, c := range []struct {
		provider registry.Provider
		want     []string
	}{
		{registry.Provider{}, []string{"/name", "/method"}},
		{registry.Provider{Name: "x", Method: registry.AssumeRole, RoleARN: "x", AccessKeyID: "x", Scoping: "x"}, []string{"/role_arn", "/access_key_id", "/scoping"}},
		{registry.Provider{Name: "x", Method: registry.AccessKeys, RoleARN: "x", Scoping: "some"}, []string{"/access_key_id", "/role_arn", "/scoping"}},
		{registry.Provider{Name: "x", Method: registry.AccessKeys, AccessKeyID: "ASIA" + "IOSFODNN7EXAMPLE"}, []string{"/access_key_id"}},
	} {
		if diff := cmp.Diff(c.want, pointers(c.provider.Validate("aws", rolePath))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestConnectionValidation(t *testing.T) {
	good := registry.Connection{
		Name: "files", Provider: "main", Groups: []string{"*"},
		Limits: permissions.Limits{Connector: permissions.DynamoDB, Region: "eu-central-1", Tables: []string{"*"}},
	}
	if faults := good.Validate(); len(faults) > 0 {
		t.Errorf("got %v, want none", faults)
	}
	bad := good
	bad.Name, bad.Provider, bad.Groups, bad.Limits.Tables = "2", "", []string{"*", ""}, nil
	got := pointers(bad.Validate())
	for _, want := range []string{"/name", "/provider", "/groups", "/groups/1", "/tables"} {
		found := false
		for _, pointer := range got {
			found = found || pointer == want
		}
		if !found {
			t.Errorf("got %v, want %s among them", got, want)
		}
	}
	bad.Groups = nil
	if got := pointers(bad.Validate()); len(got) == 0 {
		t.Error("no groups are accepted")
	}
}

// What was observed counts only for the revision it was observed of.
func TestStatus(t *testing.T) {
	p := provider("main")
	p.Revision = "r2"
	for _, c := range []struct {
		state registry.State
		want  registry.Status
	}{
		{registry.State{}, registry.Unverified},
		{registry.State{Revision: "r1", Status: registry.Ready}, registry.Unverified},
		{registry.State{Revision: "r2", Status: registry.Ready}, registry.Ready},
		{registry.State{Revision: "r2", Status: registry.Unsafe}, registry.Unsafe},
		{registry.State{Revision: "r2"}, registry.Unverified},
	} {
		if got := p.Status(c.state); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.state, got, c.want)
		}
	}
	p.RoleARN = ""
	if got := p.Status(registry.State{Revision: "r2", Status: registry.Ready}); got != registry.AwaitingRole {
		t.Errorf("got %s, want awaiting_role", got)
	}
}
