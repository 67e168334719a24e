// Command bootstrap is the Lambda executable of the function auditapi.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/arngate/arngate/functions/auditapi"
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
	settings, err := config.Load[config.AuditAPI]()
	if err != nil {
		return err
	}
	assembly.UseMemory(settings.Function)
	runtime := assembly.Runtime{Out: os.Stdout}
	gateway, err := assembly.OpenGateway(ctx, settings.Gateway, runtime)
	if err != nil {
		return err
	}
	api := assembly.API(settings.Function, settings.Claims, runtime)
	auditapi.Register(api, auditapi.Deps{
		Verifier: audits.Verifier(gateway, settings.Roles), Limiter: audits.Limiter(gateway),
		Registry: gateway.Registry, Minter: gateway.Minter,
		Archive: audits.Archive(gateway.Account, settings.Audits), Queue: audits.Queue(gateway.Account, settings.Queue),
		Ring: gateway.Ring, Transfers: audits.Transfers(gateway, settings.Browsers),
	})
	lambda.StartWithOptions(gateway.Handler(api.Handler()), lambda.WithContext(ctx))
	return nil
}
