// Command bootstrap is the Lambda executable of the function lambda.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	connector "github.com/arngate/arngate/functions/lambda"
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
	settings, err := config.Load[config.Connector]()
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
	connector.Register(api, connector.Deps{Opener: gateway.Opener, Ring: gateway.Ring})
	lambda.StartWithOptions(gateway.Handler(api.Handler()), lambda.WithContext(ctx))
	return nil
}
