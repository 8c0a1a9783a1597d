# usher as a container. The configuration is mounted or built in, and named by USHER_CONFIG or --config:
#   docker run -v ./usher.yaml:/etc/usher.yaml:ro -e USHER_CONFIG=/etc/usher.yaml -p 8080:8080 usher

# TypeScript to JavaScript, with the compiler of the lock file.
FROM node:26-bookworm-slim AS build
WORKDIR /usher
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

# What usher needs at run time, and nothing it was built with.
FROM node:26-bookworm-slim AS modules
WORKDIR /usher
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:26-bookworm-slim
ENV NODE_ENV=production
WORKDIR /usher
COPY package.json ./
COPY config ./config
COPY --from=modules /usher/node_modules ./node_modules
COPY --from=build /usher/dist/src ./dist/src
USER node
# 8080 is where the samples listen; 9180 is the admin listener (/livez, /readyz, /metrics).
EXPOSE 8080 9180
STOPSIGNAL SIGTERM
# Asks the admin listener that USHER_CONFIG names; without it, or with --config, 127.0.0.1:9180.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "/usher/dist/src/main.js", "health"]
# V8's memory for young objects stays small: a third less memory for idle WebSockets, and no CPU time more.
ENTRYPOINT ["node", "--max-semi-space-size=8", "/usher/dist/src/main.js", "run"]
