// Command bootstrap is the Lambda executable of the function auditworker.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/arngate/arngate/functions/auditworker"
	"github.com/arngate/arngate/shared/assembly"
	"github.com/arngate/arngate/shared/assembly/audits"
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/config"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	settings, err := config.Load[config.AuditWorker]()
	if err != nil {
		return err
	}
	assembly.UseMemory(settings.Function)
	runtime := assembly.Runtime{Out: os.Stdout}
	gateway, err := assembly.OpenGateway(ctx, settings.Gateway, runtime)
	if err != nil {
		return err
	}
	worker := auditworker.New(auditworker.Deps{
		Auditor: audits.Auditor(gateway, settings.Roles, runtime), Archive: audits.Archive(gateway.Account, settings.Audits),
		Providers: gateway.Registry, Bus: audits.Bus(gateway.Account, settings.Events),
		Telemetry: assembly.Telemetry(settings.Function, runtime), Severity: audit.Severity(settings.EventSeverity),
	})
	lambda.StartWithOptions(gateway.Handler(lambda.NewHandler(worker.Handle)), lambda.WithContext(ctx))
	return nil
}
