// Package audits puts together what audits stand on. It is apart from package assembly so that a connector, which is put
// together there, neither links nor initializes the clients for IAM's policies, queues and buses.
package audits

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/arngate/arngate/shared/assembly"
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/audit/transfers"
	"github.com/arngate/arngate/shared/awsclient/auditclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/config"
	"github.com/arngate/arngate/shared/registry"
)

// Verifier verifies providers.
func Verifier(g *assembly.Gateway, roles config.Roles) *audit.Verifier {
	return audit.NewVerifier(g.Registry, g.STS, g.Customers, g.Minter, audit.Options{
		Partition: g.Partition, RolePath: string(roles.AssumableRolePath),
	})
}

// Limiter bounds how often a site verifies and asks for audits.
func Limiter(g *assembly.Gateway) *audit.Limiter { return audit.NewLimiter(g.Table) }

// Transfers checks whether pages of the API's origins may use what is presigned.
func Transfers(g *assembly.Gateway, b config.Browsers) *transfers.Checker {
	return transfers.New(s3client.Browser{Clients: g.Clients}, assembly.Texts(b.CORSOrigins))
}

// Auditor audits providers, in the region that the function runs in. r is what the gateway was opened with.
func Auditor(g *assembly.Gateway, roles config.Roles, r assembly.Runtime) *audit.Auditor {
	return audit.NewAuditor(Verifier(g, roles), g.Registry, g.Minter, auditclient.Clients{Clients: g.Clients}, audit.AuditOptions{
		GatewayRole: string(roles.GatewayRoleARN), Region: g.Own.Region, LocalAWS: r.LocalAWS,
	})
}

// Archive keeps what audits find.
func Archive(a *assembly.Account, c config.Audits) *archive.Archive {
	return archive.New(awsdynamodb.NewFromConfig(a.Own), c.AuditsTable, c.AuditRetention.Duration())
}

// Queue takes the audits that workers are to make.
func Queue(a *assembly.Account, c config.Queue) *dispatch.Queue { return queue(a.Own, c) }

func queue(own aws.Config, c config.Queue) *dispatch.Queue {
	return dispatch.NewQueue(awssqs.NewFromConfig(own), string(c.AuditQueueURL))
}

// Bus tells the outside what audits find.
func Bus(a *assembly.Account, c config.Events) *dispatch.Bus {
	return dispatch.NewBus(awseventbridge.NewFromConfig(a.Own), c.EventBus)
}

// Schedule is what the function stands on that has every provider audited: no key, and nothing of customers' accounts.
type Schedule struct {
	Registry *registry.Store
	Queue    *dispatch.Queue
}

// OpenSchedule makes a Schedule. It makes no call.
func OpenSchedule(c config.AuditSchedule, r assembly.Runtime) *Schedule {
	own := assembly.Own(c.Function, r)
	return &Schedule{
		Registry: registry.NewStore(awsdynamodb.NewFromConfig(own), c.RegistryTable), Queue: queue(own, c.Queue),
	}
}
