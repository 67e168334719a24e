package config

import (
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/caarlos0/env/v11"
)

// OwnCredentials provides the function's own credentials as Lambda gives them to its process: in variables, or, to one that
// outlives them, at an address ("Defined runtime environment variables", "Container credential provider"). They are in no
// struct of settings, so that nobody prints them. It makes no call.
func OwnCredentials() aws.CredentialsProvider {
	variables := env.ToMap(os.Environ())
	id, address := variables["AWS_ACCESS_KEY_ID"], variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
	if id == "" && address != "" {
		return endpointcreds.New(address, func(o *endpointcreds.Options) {
			o.AuthorizationToken = variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
		})
	}
	return credentials.NewStaticCredentialsProvider(id, variables["AWS_SECRET_ACCESS_KEY"], variables["AWS_SESSION_TOKEN"])
}
