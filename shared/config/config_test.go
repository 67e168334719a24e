package config_test

import (
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/config"
)

func environment() map[string]string {
	return map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "arngate-configuration", "AWS_ENDPOINT_URL": "",
		"ARNGATE_REGISTRY_TABLE": "registry", "ARNGATE_KEY_ARN": "arn:aws:kms:eu-west-1:111122223333:key/k",
		"ARNGATE_GATEWAY_ROLE_ARN": "arn:aws:iam::111122223333:role/arngate-gateway",
		"ARNGATE_CORS_ORIGINS":     "https://app.example,http://localhost:3000",
		"ARNGATE_ALLOWED_REGIONS":  "eu-west-1,eu-central-1", "ARNGATE_LOG_LEVEL": "DEBUG",
	}
}

func TestParse(t *testing.T) {
	got, err := config.Parse[config.Configuration](environment())
	if err != nil {
		t.Fatal(err)
	}
	want := config.Configuration{
		Function: config.Function{FunctionName: "arngate-configuration", Region: "eu-west-1", LogLevel: slog.LevelDebug},
		Claims:   config.Claims{SiteClaim: "site_id", UserClaim: "sub", GroupsClaim: "groups"},
		Registry: config.Registry{RegistryTable: "registry"},
		Key:      config.Key{KeyARN: "arn:aws:kms:eu-west-1:111122223333:key/k"},
		Roles: config.Roles{
			GatewayRoleARN:    "arn:aws:iam::111122223333:role/arngate-gateway",
			AssumableRolePath: "/skuid-assumable-role/",
		},
		Regions:  config.Regions{AllowedRegions: []string{"eu-west-1", "eu-central-1"}},
		Browsers: config.Browsers{CORSOrigins: []config.Origin{"https://app.example", "http://localhost:3000"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse() (-want +got):\n%s", diff)
	}
}

func TestParseReportsEveryFaultTogether(t *testing.T) {
	e := environment()
	delete(e, "AWS_REGION")
	e["ARNGATE_REGISTRY_TABLE"] = ""
	e["ARNGATE_KEY_ARN"] = "key/k"
	e["ARNGATE_ASSUMABLE_ROLE_PATH"] = "skuid"
	e["ARNGATE_CORS_ORIGINS"] = "https://app.example,*"
	e["AWS_ENDPOINT_URL"] = "localhost"
	_, err := config.Parse[config.Configuration](e)
	if err == nil {
		t.Fatal("Parse() succeeded")
	}
	for _, want := range []string{"AWS_REGION", "ARNGATE_REGISTRY_TABLE", "KeyARN", "AssumableRolePath", "CORSOrigins", "Endpoint"} {
		if got := err.Error(); !strings.Contains(got, want) {
			t.Errorf("error doesn't name %s:\n%s", want, got)
		}
	}
}

// What a function doesn't need isn't required of it.
func TestConnectorNeedsNoGatewayRole(t *testing.T) {
	e := environment()
	delete(e, "ARNGATE_GATEWAY_ROLE_ARN")
	e["ARNGATE_CREDENTIAL_CACHE_TABLE"] = "cache"
	e["ARNGATE_UNSAFE_ROLE_ARNS_ALLOWED"] = "arn:aws:iam::444455556666:role/skuid-assumable-role/legacy"
	got, err := config.Parse[config.Connector](e)
	if err != nil {
		t.Fatal(err)
	}
	if want := []config.ARN{"arn:aws:iam::444455556666:role/skuid-assumable-role/legacy"}; !cmp.Equal(got.UnsafeRoleARNs, want) {
		t.Errorf("UnsafeRoleARNs = %v, want %v", got.UnsafeRoleARNs, want)
	}
}

func TestEmptyListsAreEmpty(t *testing.T) {
	e := environment()
	e["ARNGATE_CORS_ORIGINS"], e["ARNGATE_ALLOWED_REGIONS"], e["ARNGATE_ASSUMABLE_ROLE_PATH"] = "", "", ""
	got, err := config.Parse[config.Configuration](e)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.CORSOrigins) != 0 || len(got.AllowedRegions) != 0 {
		t.Errorf("CORSOrigins, AllowedRegions = %v, %v, want none", got.CORSOrigins, got.AllowedRegions)
	}
	if want := config.RolePath("/skuid-assumable-role/"); got.AssumableRolePath != want {
		t.Errorf("AssumableRolePath = %q, want %q", got.AssumableRolePath, want)
	}
}

func TestVariables(t *testing.T) {
	got, err := config.Variables[config.AuditAPI]()
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]bool{}
	for _, v := range got {
		required[v.Name] = v.Required
	}
	want := map[string]bool{
		"AWS_LAMBDA_FUNCTION_NAME": false, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": false, "AWS_REGION": true, "AWS_ENDPOINT_URL": false, "ARNGATE_LOG_LEVEL": false,
		"ARNGATE_SITE_CLAIM": false, "ARNGATE_USER_CLAIM": false, "ARNGATE_GROUPS_CLAIM": false,
		"ARNGATE_REGISTRY_TABLE": true, "ARNGATE_CREDENTIAL_CACHE_TABLE": true, "ARNGATE_KEY_ARN": true,
		"ARNGATE_ALLOWED_REGIONS": false, "ARNGATE_UNSAFE_ROLE_ARNS_ALLOWED": false,
		"ARNGATE_GATEWAY_ROLE_ARN": true, "ARNGATE_ASSUMABLE_ROLE_PATH": false,
		"ARNGATE_AUDITS_TABLE": true, "ARNGATE_AUDIT_RETENTION_DAYS": false, "ARNGATE_AUDIT_QUEUE_URL": true, "ARNGATE_CORS_ORIGINS": false,
	}
	if diff := cmp.Diff(want, required); diff != "" {
		t.Errorf("Variables() (-want +got):\n%s", diff)
	}
}

// What audits are told is checked when a function starts, not when its first message comes.
func TestAuditSettings(t *testing.T) {
	e := environment()
	e["ARNGATE_CREDENTIAL_CACHE_TABLE"], e["ARNGATE_GATEWAY_ROLE_ARN"] = "cache", "arn:aws:iam::111122223333:role/arngate-gateway"
	e["ARNGATE_AUDITS_TABLE"], e["ARNGATE_AUDIT_QUEUE_URL"] = "audits", "https://sqs.eu-west-1.amazonaws.com/111122223333/audits"
	worker, err := config.Parse[config.AuditWorker](e)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := worker.AuditRetention.Duration(), 400*24*time.Hour; got != want {
		t.Errorf("retention is %s, want %s", got, want)
	}
	want := config.Events{EventBus: "default", EventSeverity: "high"}
	if diff := cmp.Diff(want, worker.Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	schedule, err := config.Parse[config.AuditSchedule](e)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := schedule.AuditSpread.Duration(), 15*time.Minute; got != want {
		t.Errorf("spread is %s, want %s", got, want)
	}
	for name, wrong := range map[string][]string{
		"ARNGATE_AUDIT_RETENTION_DAYS": {"0", "3654", "a year"}, "ARNGATE_EVENT_SEVERITY": {"HIGH", "low"},
		"ARNGATE_AUDIT_SPREAD_SECONDS": {"-1", "901", "15m"}, "ARNGATE_AUDIT_QUEUE_URL": {"audits", "https://sqs.eu-west-1.amazonaws.com", ""},
	} {
		for _, value := range wrong {
			bad := maps.Clone(e)
			bad[name] = value
			_, first := config.Parse[config.AuditWorker](bad)
			_, second := config.Parse[config.AuditSchedule](bad)
			if first == nil && second == nil {
				t.Errorf("%s=%q is taken", name, value)
			}
		}
	}
}

func TestRolePath(t *testing.T) {
	for _, text := range []string{"/", "//", "/a", "a/", "/a*/", "/ä/", "/${x}/", "/a//b/", ""} {
		var p config.RolePath
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("UnmarshalText(%q) succeeded", text)
		}
	}
	var p config.RolePath
	if err := p.UnmarshalText([]byte("/tenants/arngate/")); err != nil {
		t.Error(err)
	}
}

func TestLoadReadsTheEnvironment(t *testing.T) {
	for name, value := range environment() {
		t.Setenv(name, value)
	}
	got, err := config.Load[config.Configuration]()
	if err != nil || got.RegistryTable != "registry" || got.Region != "eu-west-1" {
		t.Errorf("Load() = %+v, %v", got, err)
	}
}
