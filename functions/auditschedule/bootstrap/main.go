// Command bootstrap is the Lambda executable of the function auditschedule.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/arngate/arngate/functions/auditschedule"
	"github.com/arngate/arngate/shared/assembly"
	"github.com/arngate/arngate/shared/assembly/audits"
	"github.com/arngate/arngate/shared/config"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	settings, err := config.Load[config.AuditSchedule]()
	if err != nil {
		return err
	}
	assembly.UseMemory(settings.Function)
	runtime := assembly.Runtime{Out: os.Stdout}
	stands := audits.OpenSchedule(settings, runtime)
	schedule := auditschedule.New(auditschedule.Deps{
		Providers: stands.Registry, Queue: stands.Queue, Telemetry: assembly.Telemetry(settings.Function, runtime),
		Spread: settings.AuditSpread.Duration(),
	})
	lambda.StartWithOptions(schedule.Handle, lambda.WithContext(ctx))
	return nil
}
