# Builds the package as it is published (dist/, no sources), and runs it as an ordinary user.
FROM node:24-bookworm-slim AS build
WORKDIR /sextant
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY proto proto
COPY migrations migrations
COPY bin bin
COPY src src
RUN npm run build

FROM node:24-bookworm-slim AS packages
WORKDIR /sextant
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
WORKDIR /sextant
ENV NODE_ENV=production SEXTANT_DATA_DIR=/data
RUN mkdir /data && chown node:node /data && ln -s /sextant/bin/sextant.js /usr/local/bin/sextant
COPY --from=packages /sextant/node_modules node_modules
COPY --from=build /sextant/dist dist
COPY package.json LICENSE README.md ./
COPY bin bin
COPY migrations migrations
COPY proto proto
USER node
VOLUME /data
EXPOSE 8080 8081 9000
ENTRYPOINT ["sextant"]
CMD ["gateway"]
