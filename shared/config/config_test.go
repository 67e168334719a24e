package config_test

import (
	"log/slog"
	"strings"
	"testing"

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
		"AWS_LAMBDA_FUNCTION_NAME": false, "AWS_REGION": true, "AWS_ENDPOINT_URL": false, "ARNGATE_LOG_LEVEL": false,
		"ARNGATE_SITE_CLAIM": false, "ARNGATE_USER_CLAIM": false, "ARNGATE_GROUPS_CLAIM": false,
		"ARNGATE_REGISTRY_TABLE": true, "ARNGATE_CREDENTIAL_CACHE_TABLE": true, "ARNGATE_KEY_ARN": true,
		"ARNGATE_ALLOWED_REGIONS": false, "ARNGATE_UNSAFE_ROLE_ARNS_ALLOWED": false,
		"ARNGATE_GATEWAY_ROLE_ARN": true, "ARNGATE_ASSUMABLE_ROLE_PATH": false,
	}
	if diff := cmp.Diff(want, required); diff != "" {
		t.Errorf("Variables() (-want +got):\n%s", diff)
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
