package audit_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/rolekit"
)

// What our own kits grant is never a finding, whether the account was known when they were made or not.
func TestTheKitsAreClean(t *testing.T) {
	connections := caseNamed(t, "three_connections").Connections
	var limits []permissions.Limits
	for _, c := range connections {
		limits = append(limits, c.limits())
	}
	for _, account := range []string{"", customerAccount} {
		kit, err := rolekit.New(rolekit.Options{
			Partition: "aws", GatewayRoleARN: gatewayARN, RolePath: rolePath, RoleName: "demo", Account: account,
			Sites: []string{siteA}, Limits: limits, Audit: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		user, err := rolekit.UserPolicy(limits, "aws", account)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]corpusCase{
			"role": {NoReads: true, Connections: connections, Inline: map[string]json.RawMessage{rolekit.PolicyName: json.RawMessage(kit.PermissionPolicy())}},
			"user": {User: &corpusUser{}, Connections: connections, Managed: map[string]json.RawMessage{rolekit.PolicyName: json.RawMessage(user)}},
		} {
			t.Run(name+" in account "+account, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					report := newWorld(t, c).audit(nil)
					if len(report.Findings) > 0 || len(disagreements(report)) > 0 {
						t.Errorf("got %v and %v", found(report), disagreements(report))
					}
				})
			})
		}
	}
}
