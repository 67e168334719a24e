// Package config turns the environment into a struct. It is the only reader of the environment.
//
// Each function has its own struct, put together from the groups below, so that it requires only what it
// needs and the template gives it nothing else. All faults are reported together.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/caarlos0/env/v11"
)

// Function is what every function has.
type Function struct {
	// FunctionName is Lambda's name of the function.
	FunctionName string `env:"AWS_LAMBDA_FUNCTION_NAME" envDefault:"local"`
	// MemoryMB is what Lambda gives the process; zero elsewhere.
	MemoryMB int64  `env:"AWS_LAMBDA_FUNCTION_MEMORY_SIZE"`
	Region   string `env:"AWS_REGION,required,notEmpty"`
	// Endpoint replaces all of AWS: the local AWS's address. Empty in AWS.
	Endpoint Endpoint   `env:"AWS_ENDPOINT_URL"`
	LogLevel slog.Level `env:"ARNGATE_LOG_LEVEL" envDefault:"INFO"`
}

// Claims are the names of the token's claims.
type Claims struct {
	SiteClaim   string `env:"ARNGATE_SITE_CLAIM,notEmpty" envDefault:"site_id"`
	UserClaim   string `env:"ARNGATE_USER_CLAIM,notEmpty" envDefault:"sub"`
	GroupsClaim string `env:"ARNGATE_GROUPS_CLAIM,notEmpty" envDefault:"groups"`
}

// Registry is where providers and connections lie.
type Registry struct {
	RegistryTable string `env:"ARNGATE_REGISTRY_TABLE,required,notEmpty"`
}

// Cache is where sealed credentials lie.
type Cache struct {
	CredentialCacheTable string `env:"ARNGATE_CREDENTIAL_CACHE_TABLE,required,notEmpty"`
}

// Key is the KMS key that seals.
type Key struct {
	KeyARN ARN `env:"ARNGATE_KEY_ARN,required,notEmpty"`
}

// Roles say what customers' roles must look like, and whom they trust.
type Roles struct {
	// GatewayRoleARN is the principal of every trust policy.
	GatewayRoleARN ARN `env:"ARNGATE_GATEWAY_ROLE_ARN,required,notEmpty"`
	// AssumableRolePath is the segment that the path of every customer's role must contain.
	AssumableRolePath RolePath `env:"ARNGATE_ASSUMABLE_ROLE_PATH" envDefault:"/skuid-assumable-role/"`
}

// Regions are those that connections may name.
type Regions struct {
	// AllowedRegions is the operator's list; empty: all regions of the partition.
	AllowedRegions []string `env:"ARNGATE_ALLOWED_REGIONS"`
}

// Override is the operator's word against verify's.
type Override struct {
	// UnsafeRoleARNs may be used although verify found that others could assume them.
	UnsafeRoleARNs []ARN `env:"ARNGATE_UNSAFE_ROLE_ARNS_ALLOWED"`
}

// Browsers are the origins whose pages may use the API; empty: none.
type Browsers struct {
	CORSOrigins []Origin `env:"ARNGATE_CORS_ORIGINS"`
}

// Audits is where reports of audits lie, and how long.
type Audits struct {
	AuditsTable    string `env:"ARNGATE_AUDITS_TABLE,required,notEmpty"`
	AuditRetention Days   `env:"ARNGATE_AUDIT_RETENTION_DAYS" envDefault:"400"`
}

// Queue is the queue of audits to be made.
type Queue struct {
	AuditQueueURL QueueURL `env:"ARNGATE_AUDIT_QUEUE_URL,required,notEmpty"`
}

// Events say where and of what audits tell.
type Events struct {
	// EventBus is the name or the ARN of an EventBridge bus.
	EventBus string `env:"ARNGATE_EVENT_BUS,notEmpty" envDefault:"default"`
	// EventSeverity is the least severity of a finding that is told of.
	EventSeverity Severity `env:"ARNGATE_EVENT_SEVERITY,notEmpty" envDefault:"high"`
}

// Gateway is what every function has that makes calls in customers' accounts.
type Gateway struct {
	Function
	Registry
	Cache
	Key
	Regions
	Override
}

// Configuration is the environment of the function configuration.
type Configuration struct {
	Function
	Claims
	Registry
	Key
	Roles
	Regions
	Browsers
}

// Connector is the environment of the functions dynamodb, s3 and lambda.
type Connector struct {
	Gateway
	Claims
}

// AuditAPI is the environment of the function auditapi.
type AuditAPI struct {
	Gateway
	Claims
	Roles
	Audits
	Queue
	Browsers
}

// AuditWorker is the environment of the function auditworker.
type AuditWorker struct {
	Gateway
	Roles
	Audits
	Events
}

// AuditSchedule is the environment of the function auditschedule.
type AuditSchedule struct {
	Function
	Registry
	Queue
	// AuditSpread is the time over which the audits of a schedule are spread.
	AuditSpread Spread `env:"ARNGATE_AUDIT_SPREAD_SECONDS" envDefault:"900"`
}

// Load reads the environment into a T: a struct of this package, or one made of its groups. The error joins
// all faults: every variable that is missing, empty or malformed, by name.
func Load[T any]() (T, error) { return Parse[T](env.ToMap(os.Environ())) }

// Parse is [Load] from a map.
func Parse[T any](environment map[string]string) (T, error) {
	config, err := env.ParseAsWithOptions[T](env.Options{Environment: environment})
	if err == nil {
		return config, nil
	}
	faults := []error{err}
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		faults = all.Errors
	}
	for i, fault := range faults {
		faults[i] = fmt.Errorf("read environment: %w", fault)
	}
	return config, errors.Join(faults...)
}

// Variable is one variable of a function's environment.
type Variable struct {
	Name     string
	Required bool
}

// Variables lists the variables that a T reads, for the test that holds the template against them.
func Variables[T any]() ([]Variable, error) {
	var config T
	params, err := env.GetFieldParams(&config)
	if err != nil {
		return nil, fmt.Errorf("list variables: %w", err)
	}
	list := make([]Variable, len(params))
	for i, p := range params {
		list[i] = Variable{Name: p.Key, Required: p.Required}
	}
	return list, nil
}
