// Command bootstrap is the Lambda executable of the function configuration.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/arngate/arngate/functions/configuration"
	"github.com/arngate/arngate/shared/assembly"
	"github.com/arngate/arngate/shared/config"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	settings, err := config.Load[config.Configuration]()
	if err != nil {
		return err
	}
	assembly.UseMemory(settings.Function)
	runtime := assembly.Runtime{Out: os.Stdout}
	account, err := assembly.OpenAccount(settings.Function, settings.Regions, settings.Registry, settings.Key, runtime)
	if err != nil {
		return err
	}
	sts, err := account.Clients.STS(settings.Region)
	if err != nil {
		return err
	}
	api := assembly.API(settings.Function, settings.Claims, runtime)
	configuration.Register(api, configuration.Deps{
		Registry: account.Registry, Vault: account.Vault, STS: sts, CheckRegion: account.Clients.CheckRegion,
		GatewayRoleARN: string(settings.GatewayRoleARN), RolePath: string(settings.AssumableRolePath), Partition: account.Partition,
		Origins: assembly.Texts(settings.CORSOrigins),
	})
	lambda.StartWithOptions(api.Handler(), lambda.WithContext(ctx))
	return nil
}
