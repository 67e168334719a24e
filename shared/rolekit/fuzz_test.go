package rolekit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/rolekit"
)

// Whatever a person calls things, either there is no kit or each form of it says exactly that and does nothing else.
func FuzzTrap23bKits(f *testing.F) {
	for _, seed := range [][4]string{
		{"/skuid-assumable-role/", "arngate-demo", "6f1c2f4e-8a53-4a5e-9a0e-0d3c5b7e9f10", "reports"},
		{"/%{x}'/", "--help", "a:b/c", "'$(touch owned)${x}*"},
		{`/\u0024{x}/`, "@file", "..", "`touch owned`"},
		{"/a'$(id)/", "null", "=,", "{{resolve:ssm:/secret}}"},
		{"/EOF/", "1e3", "//", "é\u2028\U0001F600\u0301"},
		{"/a/\n", "a b", "a\n", "a\x00"},
		{"/#/", "-", "::", "%%{if true}$${x} \"quoted\" \\"},
		{"/~a/", "a;b", "*", "\r\nPOLICY"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], true)
	}
	sh := newShell(f)
	f.Fuzz(func(t *testing.T, path, name, site, prefix string, audit bool) {
		o := rolekit.Options{
			Partition: "aws", GatewayRoleARN: gateway, RolePath: path, RoleName: name, Sites: []string{site}, Audit: audit, Origins: []string{"https://app.example"},
			Limits: []permissions.Limits{{Connector: permissions.S3, Region: region, Buckets: []permissions.Bucket{{Name: "files", Prefix: prefix}}}},
		}
		kit, err := rolekit.New(o)
		if faults := o.Validate(); len(faults) > 0 {
			if kit != nil || err == nil {
				t.Errorf("there is a kit of %+v: %v", o, faults)
			}
			return
		}
		if errors.Is(err, rolekit.ErrTooManySites) || errors.Is(err, permissions.ErrTooBroad) {
			return
		}
		for _, said := range []string{path, name, site} {
			if strings.ContainsFunc(said, func(r rune) bool { return r < '!' || r > '~' }) || slices.Contains([]string{"", "*"}, said) {
				t.Errorf("%q is taken", said)
			}
		}
		checkShell(t, sh, o)
		checkTerraform(t, o)
		checkJSON(t, o)
		if _, err := kit.CloudFormation(); !errors.Is(err, rolekit.ErrDynamicReference) {
			checkCloudFormation(t, o)
		}
	})
}
