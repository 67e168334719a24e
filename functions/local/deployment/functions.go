package deployment

import (
	"context"
	"io"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/arngate/arngate/functions/auditapi"
	"github.com/arngate/arngate/functions/auditschedule"
	"github.com/arngate/arngate/functions/auditworker"
	"github.com/arngate/arngate/functions/configuration"
	"github.com/arngate/arngate/functions/dynamodb"
	lambdaconnector "github.com/arngate/arngate/functions/lambda"
	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/assembly"
	"github.com/arngate/arngate/shared/assembly/audits"
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/config"
	"github.com/arngate/arngate/shared/httpapi"
)

// function is the code of one function, as its executable puts it together.
type function struct {
	logicalID string
	// variables are those that the code reads.
	variables func() ([]config.Variable, error)
	// describe adds the function's operations to an API on which they are never called.
	describe func(*httpapi.API)
	start    func(ctx context.Context, environment map[string]string, r assembly.Runtime) (lambda.Handler, error)
}

func functions() []function {
	return []function{
		configurationFunction(),
		auditAPIFunction(),
		auditWorkerFunction(),
		auditScheduleFunction(),
		connectorFunction("DynamodbFunction", func(api *httpapi.API, g *assembly.Gateway) {
			dynamodb.Register(api, dynamodb.Deps{Opener: g.Opener, Ring: g.Ring})
		}),
		connectorFunction("S3Function", func(api *httpapi.API, g *assembly.Gateway) {
			s3.Register(api, s3.Deps{Opener: g.Opener, Ring: g.Ring})
		}),
		connectorFunction("LambdaFunction", func(api *httpapi.API, g *assembly.Gateway) {
			lambdaconnector.Register(api, lambdaconnector.Deps{Opener: g.Opener, Ring: g.Ring})
		}),
	}
}

func connectorFunction(logicalID string, register func(*httpapi.API, *assembly.Gateway)) function {
	return function{
		logicalID: logicalID,
		variables: config.Variables[config.Connector],
		describe:  func(api *httpapi.API) { register(api, &assembly.Gateway{}) },
		start: func(ctx context.Context, environment map[string]string, r assembly.Runtime) (lambda.Handler, error) {
			settings, err := config.Parse[config.Connector](environment)
			if err != nil {
				return nil, err
			}
			gateway, err := assembly.OpenGateway(ctx, settings.Gateway, r)
			if err != nil {
				return nil, err
			}
			api := assembly.API(settings.Function, settings.Claims, r)
			register(api, gateway)
			return gateway.Handler(api.Handler()), nil
		},
	}
}

func configurationFunction() function {
	return function{
		logicalID: "ConfigurationFunction",
		variables: config.Variables[config.Configuration],
		describe:  func(api *httpapi.API) { configuration.Register(api, configuration.Deps{}) },
		start: func(_ context.Context, environment map[string]string, r assembly.Runtime) (lambda.Handler, error) {
			settings, err := config.Parse[config.Configuration](environment)
			if err != nil {
				return nil, err
			}
			account, err := assembly.OpenAccount(settings.Function, settings.Regions, settings.Registry, settings.Key, r)
			if err != nil {
				return nil, err
			}
			sts, err := account.Clients.STS(settings.Region)
			if err != nil {
				return nil, err
			}
			api := assembly.API(settings.Function, settings.Claims, r)
			configuration.Register(api, configuration.Deps{
				Registry: account.Registry, Vault: account.Vault, STS: sts, CheckRegion: account.Clients.CheckRegion,
				GatewayRoleARN: string(settings.GatewayRoleARN), RolePath: string(settings.AssumableRolePath), Partition: account.Partition,
				Origins: assembly.Texts(settings.CORSOrigins),
			})
			return api.Handler(), nil
		},
	}
}

func auditAPIFunction() function {
	return function{
		logicalID: "AuditApiFunction",
		variables: config.Variables[config.AuditAPI],
		describe:  func(api *httpapi.API) { auditapi.Register(api, auditapi.Deps{}) },
		start: func(ctx context.Context, environment map[string]string, r assembly.Runtime) (lambda.Handler, error) {
			settings, err := config.Parse[config.AuditAPI](environment)
			if err != nil {
				return nil, err
			}
			gateway, err := assembly.OpenGateway(ctx, settings.Gateway, r)
			if err != nil {
				return nil, err
			}
			api := assembly.API(settings.Function, settings.Claims, r)
			auditapi.Register(api, auditapi.Deps{
				Verifier: audits.Verifier(gateway, settings.Roles), Limiter: audits.Limiter(gateway),
				Registry: gateway.Registry, Minter: gateway.Minter,
				Archive: audits.Archive(gateway.Account, settings.Audits), Queue: audits.Queue(gateway.Account, settings.Queue),
				Ring: gateway.Ring, Transfers: audits.Transfers(gateway, settings.Browsers),
			})
			return gateway.Handler(api.Handler()), nil
		},
	}
}

func auditWorkerFunction() function {
	return function{
		logicalID: "AuditWorkerFunction",
		variables: config.Variables[config.AuditWorker],
		describe:  func(*httpapi.API) {},
		start: func(ctx context.Context, environment map[string]string, r assembly.Runtime) (lambda.Handler, error) {
			settings, err := config.Parse[config.AuditWorker](environment)
			if err != nil {
				return nil, err
			}
			gateway, err := assembly.OpenGateway(ctx, settings.Gateway, r)
			if err != nil {
				return nil, err
			}
			worker := auditworker.New(auditworker.Deps{
				Auditor: audits.Auditor(gateway, settings.Roles, r), Archive: audits.Archive(gateway.Account, settings.Audits),
				Providers: gateway.Registry, Bus: audits.Bus(gateway.Account, settings.Events),
				Telemetry: assembly.Telemetry(settings.Function, r), Severity: audit.Severity(settings.EventSeverity),
			})
			return gateway.Handler(lambda.NewHandler(worker.Handle)), nil
		},
	}
}

func auditScheduleFunction() function {
	return function{
		logicalID: "AuditScheduleFunction",
		variables: config.Variables[config.AuditSchedule],
		describe:  func(*httpapi.API) {},
		start: func(_ context.Context, environment map[string]string, r assembly.Runtime) (lambda.Handler, error) {
			settings, err := config.Parse[config.AuditSchedule](environment)
			if err != nil {
				return nil, err
			}
			stands := audits.OpenSchedule(settings, r)
			schedule := auditschedule.New(auditschedule.Deps{
				Providers: stands.Registry, Queue: stands.Queue, Telemetry: assembly.Telemetry(settings.Function, r),
				Spread: settings.AuditSpread.Duration(),
			})
			return lambda.NewHandler(schedule.Handle), nil
		},
	}
}

// OpenAPI returns the OpenAPI document of every function's operations.
func OpenAPI() ([]byte, error) {
	api := blank()
	for _, f := range functions() {
		f.describe(api)
	}
	return api.OpenAPI()
}

func blank() *httpapi.API {
	return assembly.API(config.Function{}, config.Claims{}, assembly.Runtime{Out: io.Discard})
}
